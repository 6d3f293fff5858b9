"""Sealed lines: JSON that carries its own CRC-32 and the SHA-256 of the line before it.

A line is `{...,"previous":"<sha256 of the line before, or empty>","crc32":"<8 hex digits>"}` without its newline. The
CRC covers the text before `,"crc32"` plus the closing brace, so that it does not depend on how a JSON writer spaces
its output. Changing, dropping or reordering a line breaks the chain at that place.
"""

import binascii
import hashlib
import json

_TAIL = ',"crc32":"'
_TAIL_LENGTH = len(_TAIL) + 8 + len('"}')


def seal(record: dict[str, object], previous: str) -> str:
    """`record` as a line that follows the line whose hash is `previous` ("" for the first)."""
    sealed = dict(record)
    sealed.pop("crc32", None)
    sealed.pop("previous", None)
    # "previous" is appended as text: MicroPython's dicts do not keep their order.
    body = json.dumps(sealed)[:-1] + (', "previous": "' if sealed else '"previous": "') + previous + '"}'
    return body[:-1] + _TAIL + "%08x" % binascii.crc32(body.encode()) + '"}'


def line_hash(line: str) -> str:
    """What the next line names as its `previous`."""
    return binascii.hexlify(hashlib.sha256(line.encode()).digest()).decode()


def damage(line: str) -> str:
    """What is wrong with the line by itself; empty when its CRC is right."""
    at = len(line) - _TAIL_LENGTH
    if at < 1 or line[at : at + len(_TAIL)] != _TAIL or line[-2:] != '"}':
        return "no checksum"
    if "%08x" % binascii.crc32((line[:at] + "}").encode()) != line[at + len(_TAIL) : -2]:
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
