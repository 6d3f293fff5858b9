"""Raw bytes that are more than one image from its vector table on: a header in front of it, or two parts in one file.

Each vector table names absolute addresses, so that each part says itself where it belongs.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

from bmsrescue.image import linked_at
from bmsrescue.image.contents import ImageFileError
from rescuelink.targets import FLASH_BASE

_LONGEST_HEADER = 4096
_HANDLERS = 4  # at least: two words alone may be anything
_FITTING = 0.6
_SECTOR_GRID = 0x2000  # the smallest sector of any STM32H7


@dataclass(frozen=True)
class Header:
    """`length` bytes in front of the vectors, which are linked for `address`. in_flash: they lie there, too."""

    length: int
    address: int
    in_flash: bool
    says: str


@dataclass(frozen=True)
class SecondPart:
    """What begins at `offset` of the file is linked for `address`, and does not lie there when the first part does."""

    offset: int
    address: int


def header_of(content: bytes) -> Header | None:
    """The header in front of a vector table near the start; None where there is no such table."""
    for at in _tables(content[: _LONGEST_HEADER + 1024], step=1):
        if not 0 < at <= _LONGEST_HEADER:
            continue
        body = content[at:]
        found = linked_at.linked_at(body)
        if found is None or (found.fitting < _FITTING * found.looked_at and found.fitting < _HANDLERS):
            continue
        front = found.base - at
        in_flash = front >= FLASH_BASE and front % _SECTOR_GRID == 0 and found.base % _SECTOR_GRID != 0
        return Header(at, found.base, in_flash, _says(content[:at], body))
    return None


def second_part(content: bytes, start: int) -> SecondPart | None:
    """The first part of `content` that does not belong where it lies when the first byte lies at `start`."""
    for at in _tables(content):
        if at == 0:
            continue
        vectors = linked_at.vectors_in(content, at)
        if vectors is None:
            continue
        targets = [vectors.reset, *vectors.handlers]
        here = sum(linked_at.begins_code(content, target - start) for target in targets)
        found = linked_at.linked_at(content[at:])
        if here * 2 > len(targets):
            if found is not None and found.base == start and _fits_all(content[at:], targets, start):
                return SecondPart(at, start)
            continue  # a copy of the table, or an application at its place
        if found is not None and found.base != start + at and found.fitting > max(here, _HANDLERS):
            return SecondPart(at, found.base)
    return None


def split(content: bytes, start: int, name: str) -> list[tuple[int, bytes]]:
    """(address, bytes) of each part. Raises ImageFileError where a part would lie over another."""
    part = second_part(content, start)
    if part is None:
        return [(start, content)]
    first = content[: part.offset]
    rest = split(content[part.offset :], part.address, name)
    end = start + len(first.rstrip(b"\xff"))
    if any(address < end and start < address + len(data) for address, data in rest):
        raise ImageFileError(
            f"{name} has two parts, and the second, at {part.offset} in the file, is linked for 0x{part.address:08x}, "
            "where the first lies",
            "They are two firmwares, or two halves of one update. Ask for them as separate files.",
        )
    return [(start, first), *rest]


def _fits_all(rest: bytes, targets: list[int], start: int) -> bool:
    # Another program for the same place, and not a copy of the first one's table: its own code is behind it.
    return all(linked_at.begins_code(rest, target - start) for target in set(targets))


def _tables(content: bytes, step: int = 4) -> list[int]:
    found = []
    for at in range(0, len(content) - 8, step):
        # A reset vector in flash with its Thumb bit, an initial stack pointer in a RAM: what few data look like.
        if content[at + 7] != FLASH_BASE >> 24 or content[at + 6] >= 0x20 or not content[at + 4] & 1:
            continue
        vectors = linked_at.vectors_in(content, at)
        if vectors is not None and len(vectors.handlers) >= _HANDLERS:
            found.append(at)
    return found


def _says(header: bytes, body: bytes) -> str:
    words = struct.unpack(f"<{len(header) // 4}I", header[: len(header) // 4 * 4])
    said = []
    if len(body) in words:
        said.append("its length")
    if zlib.crc32(body) in words:
        said.append("its CRC-32")
    return f", with {' and '.join(said)}" if said else ""
