# Everything that a validated job says, as one text that is the same on MicroPython and CPython.


def in_words(value):
    """`value` with its attributes, keys and items, in an order of their names."""
    if value is None or isinstance(value, (bool, int)):
        return str(value)
    if isinstance(value, str):
        return '"' + value + '"'
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join([in_words(item) for item in value]) + "]"
    table = value if isinstance(value, dict) else value.__dict__
    return "{" + ", ".join([name + ": " + in_words(table[name]) for name in sorted(table)]) + "}"
