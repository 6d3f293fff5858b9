"""Which islands of a flash are programs: what a vector table begins, and what code in them calls."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

from bmsrescue.image import linked_at
from bmsrescue.image.containers import MCUBOOT_MAGIC
from bmsrescue.image.whole_flash import Span
from bmsrescue.sibling.good import Backup
from rescuelink.targets import FLASH_BASE, TARGETS

_CALLS = 3  # different functions in an island that a program calls, before it counts as code
_SEALED_LEAST = 1024
_MCUBOOT_HEADERS = (0x20, 0x80, 0x100, 0x200, 0x400, 0x800)


def tables(backup: Backup) -> list[int]:
    """Offsets of vector tables: where the chip starts, and those of applications behind a bootloader."""
    data = backup.data
    places = {backup.boot_address - FLASH_BASE, *range(0, len(data), TARGETS[backup.chip].sector_bytes)}
    places |= {at for at in range(0, len(data), 0x400) if data[at : at + 4] != b"\xff" * 4}
    found = []
    for at in sorted(places):
        vectors = backup.vectors(FLASH_BASE + at)
        if vectors is not None and (vectors.reset - FLASH_BASE >= at or at == backup.boot_address - FLASH_BASE):
            found.append(at)
    return found


def program_islands(backup: Backup, found: Sequence[Span]) -> list[Span]:
    """Those of the islands `found` that are programs, by address."""
    starts = tables(backup)
    programs = [span for span in found if any(span.holds(at) for at in starts)]
    waiting = list(programs)
    while waiting:
        targets = _calls(backup.data, waiting.pop())
        for span in found:
            if span not in programs and len({at for at in targets if span.holds(at)}) >= _CALLS:
                programs.append(span)
                waiting.append(span)
    return sorted(programs, key=lambda span: span.start)


def sealed_span(data: bytes, table: int) -> Span | None:
    """What the program with its vectors at `table` is by its own seal: MCUboot's header, or a CRC-32 over all of it.

    The longest is meant: what lies in a seal is the program's, erased stretches too.
    """
    for header in _MCUBOOT_HEADERS:
        start = table - header
        if start < 0 or int.from_bytes(data[start : start + 4], "little") != MCUBOOT_MAGIC:
            continue
        size, protected, length = struct.unpack_from("<HHI", data, start + 8)
        end = start + header + protected + length
        if size == header and end + 4 <= len(data):
            return Span(start, min(len(data), end + int.from_bytes(data[end + 2 : end + 4], "little")))
    crc, at, best = 0, table, None
    for end in range(table + _SEALED_LEAST, len(data) + 1, 4):
        if end % 32 and data[end : end + 4] not in (b"\xff\xff\xff\xff", b"\0\0\0\0", b""):
            continue
        crc = zlib.crc32(data[at : end - 4], crc)
        at = end - 4
        if crc == int.from_bytes(data[at:end], "little") and data[at:end] != b"\xff" * 4:
            best = end
    return None if best is None else Span(table, best)


def _calls(data: bytes, span: Span) -> set[int]:
    """Offsets outside `span` that its code calls (BL) or points to, where a function may begin."""
    found = set()
    halves = struct.unpack(f"<{(span.end - span.start) // 2}H", data[span.start : span.end])
    for index in range(len(halves) - 1):
        first, second = halves[index], halves[index + 1]
        if first & 0xF800 == 0xF000 and second & 0xD000 == 0xD000:
            found.add(span.start + 2 * index + 4 + _branch(first, second))
    for word in struct.unpack(f"<{(span.end - span.start) // 4}I", data[span.start : span.end]):
        if word & 1 and 0 < word - FLASH_BASE < len(data):
            found.add(word - 1 - FLASH_BASE)
    return {at for at in found if not span.holds(at) and linked_at.begins_code(data, at)}


def _branch(first: int, second: int) -> int:
    # BL, encoding T1 (DDI 0403E, A7.7.18).
    sign = first >> 10 & 1
    i1, i2 = ~(second >> 13 ^ sign) & 1, ~(second >> 11 ^ sign) & 1
    offset = sign << 24 | i1 << 23 | i2 << 22 | (first & 0x3FF) << 12 | (second & 0x7FF) << 1
    return offset - (1 << 25) if sign else offset
