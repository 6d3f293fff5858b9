"""`target.marker` of a job: text or a digest at an address by which the unit's product is known.

One marker, or a list of them where several builds are the job's business. The image itself has to hold one.
"""

import binascii
import hashlib

from rescuelink.errors import JobError
from rescuelink.fields import Fields, bad, quoted
from rescuelink.targets import FLASH_BASE

_LONGEST_TEXT = 64
_LONGEST_BLOCK = 1024
_SHORTEST = 4
_MOST = 16


def read_markers(target: Fields, flash_end: int) -> list[tuple[int, int, str, str]]:
    """[(address, length, text, sha256), ..]; `text` is empty where the marker is a digest. Raises `JobError`."""
    if not target.has("marker"):
        return []
    path = target.path("marker")
    value = target.raw("marker")
    if isinstance(value, dict):
        return [_read(Fields(value, path), flash_end)]
    if not isinstance(value, list) or not value:
        raise bad(path, "names no marker", 'write it as {"address": "0x08000400", "text": "..."}, or a list of such')
    if len(value) > _MOST:
        raise bad(path, "has %d entries" % len(value), "a helper takes %d at most" % _MOST)
    return [_read(Fields(item, "%s[%d]" % (path, index)), flash_end) for index, item in enumerate(value)]


def _read(fields: Fields, flash_end: int) -> tuple[int, int, str, str]:
    address = fields.number("address", FLASH_BASE, flash_end - _SHORTEST)
    text, sha256 = "", ""
    if fields.has("text"):
        text = fields.text("text")
        length = len(text)
        if not _SHORTEST <= length <= _LONGEST_TEXT or not is_text(text.encode()):
            raise bad(
                fields.path("text"),
                "is " + quoted(text),
                "give %d to %d printable ASCII characters" % (_SHORTEST, _LONGEST_TEXT),
            )
    else:
        length = fields.number("length", _SHORTEST, _LONGEST_BLOCK)
        sha256 = fields.sha256("sha256")
    fields.end()
    if address + length > flash_end:
        raise bad(fields.path("address"), "0x%08x is too near the flash's end" % address, "check address and length")
    return address, length, text, sha256


def is_text(data: bytes) -> bool:
    """Whether all of it is printable ASCII."""
    return all(0x20 <= byte < 0x7F for byte in data)


def fits(marker: tuple[int, int, str, str], data: bytes) -> bool:
    """Whether `data`, read at the marker's address, is this marker."""
    if marker[2]:
        return data == marker[2].encode()
    return binascii.hexlify(hashlib.sha256(data).digest()).decode() == marker[3]


def not_in_image(file: str) -> JobError:
    """The error for an image that holds none of the markers at their addresses."""
    return bad("target.marker", "is not what " + file + " holds there", "name the marker of this image, or use its own")
