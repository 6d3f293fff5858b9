# options.*: the option bytes, read and given names.

from rescue.link.unit import known_chip


def read(bench):
    """The options in force, as plain values (rescue.chips.h7_options)."""
    return known_chip(bench).options.read()


CALLS = {"read": (read, "")}
