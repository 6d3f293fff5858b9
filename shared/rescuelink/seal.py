"""Seals a line: JSON that carries its own CRC-32 and the SHA-256 of the line before it. `chain` checks them.

A line is `{...,"previous":"<sha256 of the line before, or empty>","crc32":"<8 hex digits>"}` without its newline. The
CRC covers the text before `,"crc32"` plus the closing brace, so that it does not depend on how a JSON writer spaces
its output. Changing, dropping or reordering a line breaks the chain at that place.
"""

import binascii
import hashlib
import json

TAIL = ',"crc32":"'


def seal(record: dict[str, object], previous: str) -> str:
    """`record` as a line that follows the line whose hash is `previous` ("" for the first)."""
    sealed = dict(record)
    sealed.pop("crc32", None)
    sealed.pop("previous", None)
    # "previous" is appended as text: MicroPython's dicts do not keep their order.
    body = json.dumps(sealed)[:-1] + (', "previous": "' if sealed else '"previous": "') + previous + '"}'
    return body[:-1] + TAIL + "%08x" % binascii.crc32(body.encode()) + '"}'


def line_hash(line: str) -> str:
    """What the next line names as its `previous`."""
    return binascii.hexlify(hashlib.sha256(line.encode()).digest()).decode()
