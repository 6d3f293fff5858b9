# options.*: the option bytes, read and given names.


def read(bench):
    """The options in force, as plain values (rescue.chips.h7_options)."""
    return bench.known_chip().options.read()


CALLS = {"read": (read, "")}
