"""Checks sealed lines (`seal`), one by one and as a chain."""

import binascii
import json

from rescuelink.seal import TAIL, line_hash

_TAIL_LENGTH = len(TAIL) + 8 + len('"}')


def damage(line: str) -> str:
    """What is wrong with the line by itself; empty when its CRC is right."""
    at = len(line) - _TAIL_LENGTH
    if at < 1 or line[at : at + len(TAIL)] != TAIL or line[-2:] != '"}':
        return "no checksum"
    if "%08x" % binascii.crc32((line[:at] + "}").encode()) != line[at + len(TAIL) : -2]:
        return "checksum wrong"
    return ""


def previous_of(line: str) -> str:
    """The hash that an undamaged line says its predecessor has."""
    value = json.loads(line)["previous"]
    return value if isinstance(value, str) else ""


def verify_chain(lines: list[str], first_previous: str | None = None) -> list[tuple[int, str]]:
    """Every break as (line number from 1, what is wrong). `first_previous` is checked when it is given.

    A mirror that keeps only the last lines starts in the middle of a chain: leave `first_previous` out there.
    """
    breaks = []
    expected = first_previous
    for number, line in enumerate(lines, 1):
        wrong = damage(line)
        if wrong:
            breaks.append((number, wrong))
        elif expected is not None and previous_of(line) != expected:
            breaks.append((number, "does not follow the line before"))
        expected = line_hash(line)
    return breaks
