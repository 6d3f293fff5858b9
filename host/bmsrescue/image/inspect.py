"""What a firmware file is: everything that can be read off it without running it."""

from __future__ import annotations

import hashlib
import math
import re
import zlib
from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass
from typing import Any

from bmsrescue.image import linked_at
from bmsrescue.image.contents import Segment
from bmsrescue.image.markers import find_markers
from bmsrescue.image.read import Firmware

BLOCK_BYTES = 1024  # of the entropy map
_COMPILERS = (
    (re.compile(rb"GCC: \([^)]{0,60}\) [0-9.]+"), None),
    (re.compile(rb"clang version [0-9.]+"), None),
    (re.compile(rb"Component: ARM Compiler [^\x00]{3,60}"), None),
    (re.compile(rb"IAR ANSI C/C\+\+ Compiler[^\x00]{0,60}"), None),
    (re.compile(rb"rustc version [0-9.]+"), None),
    (re.compile(rb"__aeabi_|newlib|_sbrk"), "GCC or Clang with newlib, by a text in it"),
)
_SYSTEMS = (
    (rb"FreeRTOS|IDLE\x00", "FreeRTOS"),
    (rb"ChibiOS", "ChibiOS"),
    (rb"Zephyr", "Zephyr"),
    (rb"ThreadX|tx_thread", "ThreadX"),
    (rb"RT-Thread", "RT-Thread"),
    (rb"MicroPython", "MicroPython"),
    (rb"NuttX", "NuttX"),
)
# (initial stack pointers at the end of a RAM, family): where only one family has a RAM that ends there.
_FAMILIES = (
    (0x2405_0000, "STM32H72x/H73x"),
    (0x2408_0000, "STM32H74x/H75x"),
    (0x2410_0000, "STM32H7Ax/H7Bx"),
)
_SEALED_LEAST = 32
_FLASH_WORD = 32
_SEALED_MOST = 64 * 1024


@dataclass(frozen=True)
class Sealed:
    """A block that ends with its own CRC-32, so that no CRC-32 tells it from another such block."""

    address: int
    length: int


def inspect(firmware: Firmware) -> dict[str, Any]:
    """Plain JSON types; addresses are numbers."""
    data = b"".join(segment.data for segment in firmware.segments)
    vectors = _vectors(firmware)
    return {
        "format": firmware.format,
        "version": firmware.version,
        "bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "segments": [
            {"address": s.address, "bytes": len(s.data), "sha256": hashlib.sha256(s.data).hexdigest()}
            for s in firmware.segments
        ],
        "boot_address": firmware.boot_address,
        "vectors": vectors,
        "linked_at": _linked(firmware),
        "chip": _family(vectors),
        "compiler": _compiler(data + b"\0" + firmware.comment),
        "system": [name for pattern, name in _SYSTEMS if re.search(pattern, data)],
        "markers": [
            {"kind": marker.kind, "address": marker.address, "text": marker.text}
            for marker in find_markers(firmware.segments)
        ],
        "sealed": [{"address": block.address, "bytes": block.length} for block in sealed_blocks(firmware.segments)],
        "entropy": [
            {"address": s.address, "block_bytes": BLOCK_BYTES, "bits": entropy_map(s.data)} for s in firmware.segments
        ],
        "notes": firmware.notes,
    }


def entropy_map(data: bytes) -> list[float]:
    """Bits a byte, for each KiB: code has 5 to 7, tables less, packed or encrypted bytes nearly 8."""
    return [_entropy(data[at : at + BLOCK_BYTES]) for at in range(0, len(data), BLOCK_BYTES)]


def sealed_blocks(segments: list[Segment]) -> list[Sealed]:
    """Blocks with their CRC-32 behind them that start at a segment's or KiB's start: trailers, calibration."""
    found: list[Sealed] = []
    for segment in segments:
        at, ends = 0, _likely_ends(segment.data)
        while at < len(segment.data):
            blank = segment.data.count(segment.data[at], at, at + BLOCK_BYTES) >= BLOCK_BYTES
            length = 0 if blank else _sealed_from(segment.data, at, ends)
            if length:
                found.append(Sealed(segment.address + at, length))
            at = (at + max(length, 1) + BLOCK_BYTES - 1) // BLOCK_BYTES * BLOCK_BYTES
    return found


def _sealed_from(data: bytes, start: int, ends: list[int]) -> int:
    # The longest run of words from `start` that is followed by its own CRC-32.
    crc, best, at = 0, 0, start
    most = start + _SEALED_MOST if start else len(data)
    for end in ends[bisect_left(ends, start + _SEALED_LEAST + 4) :]:
        if end > most + 4:
            break
        crc = zlib.crc32(data[at : end - 4], crc)
        at = end - 4
        if crc == int.from_bytes(data[at:end], "little"):
            best = end - start
    return best


def _likely_ends(data: bytes) -> list[int]:
    # Where a block may end: at a flash word, in front of blank bytes, with the data. Each word would take minutes.
    found = [
        at
        for at in range(_SEALED_LEAST, len(data), 4)
        if at % _FLASH_WORD == 0 or data[at : at + 4] in (b"\xff\xff\xff\xff", b"\0\0\0\0")
    ]
    return [*found, len(data) // 4 * 4]


def _entropy(data: bytes) -> float:
    total = len(data)
    bits = -sum(count / total * math.log2(count / total) for count in Counter(data).values())
    return round(abs(bits), 2)


def _vectors(firmware: Firmware) -> dict[str, Any] | None:
    for segment in firmware.segments:
        if firmware.boot_address is None or not segment.address <= firmware.boot_address < segment.end:
            continue
        found = linked_at.vectors_in(segment.data, firmware.boot_address - segment.address)
        if found is not None:
            return {
                "address": firmware.boot_address,
                "sp": found.stack,
                "pc": found.reset,
                "handlers": len(found.handlers),
            }
    return None


def _linked(firmware: Firmware) -> dict[str, Any] | None:
    first = next((s for s in firmware.segments if s.address == firmware.boot_address), None)
    found = None if first is None else linked_at.linked_at(first.data)
    if found is None:
        return None
    return {"address": found.base, "fitting": found.fitting, "of": found.looked_at, "evidence": list(found.lines)}


def _family(vectors: dict[str, Any] | None) -> str | None:
    if vectors is None:
        return None
    return next((family for end, family in _FAMILIES if vectors["sp"] == end), None)


def _compiler(data: bytes) -> str | None:
    for pattern, words in _COMPILERS:
        match = pattern.search(data)
        if match:
            return words or match[0].decode("ascii", "replace")
    return None
