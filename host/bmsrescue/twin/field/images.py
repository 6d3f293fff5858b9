"""The firmware of generated units: one code (firmware/field_unit.c) with data in front and behind, at any address.

0x000 vector table | 0x200 what this build does | 0x280 code | 0x600 product, version | 0x640 data | seal
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import Final

from bmsrescue.twin.board.display_frame import CELLS, crc16

USES_PLL: Final = 1 << 0
USES_CRYSTAL: Final = 1 << 1
CRYSTAL_FALLS_BACK: Final = 1 << 2
CRYSTAL_GIVES_UP: Final = 1 << 3
STARTS_WATCHDOG: Final = 1 << 4
WORKS_IN_INTERRUPT: Final = 1 << 5
SLEEPS: Final = 1 << 6
FAST_200: Final = 1 << 7

PARAMETERS_OFFSET: Final = 0x200
CODE_OFFSET: Final = 0x280
MARKER_OFFSET: Final = 0x600
VERSION_OFFSET: Final = 0x620
DATA_OFFSET: Final = 0x640
SHORTEST: Final = DATA_OFFSET + 16
ALIVE_ADDRESS: Final = 0x2001FFE4
_STACK_TOP: Final = 0x20010000
_RESET, _TICK, _FAULT = 1, 5, 9  # the code's entries, with the Thumb bit
_VECTORS: Final = 128
_SYSTICK: Final = 15


@dataclass(frozen=True)
class Build:
    """One build of one product's firmware. `shows` is the pack voltage that its display frames carry, in mV."""

    product: str
    version: str
    base: int
    length: int
    flags: int
    supply: int
    sealed: bool = True
    """Its last four bytes are the CRC-32 of all before, as makers' trailers are."""
    by_reset_vector: bool = True
    """False: the build is damaged goods: its reset vector points to nothing."""

    @property
    def shows(self) -> int:
        return 30_000 + zlib.crc32(f"{self.product} {self.version}".encode()) % 2_000 * 10

    def data(self) -> bytes:
        """The image, `length` bytes from `base`."""
        return _image(self)


def code() -> bytes:
    """The compiled firmware."""
    return _code()


@cache
def _code() -> bytes:
    return (Path(__file__).parent / "firmware" / "field_unit.bin").read_bytes()


@cache
def _image(build: Build) -> bytes:
    entry = build.base + CODE_OFFSET
    vectors = [_STACK_TOP, entry + _RESET, *[entry + _FAULT] * (_VECTORS - 2)]
    vectors[_SYSTICK] = entry + _TICK
    image = bytearray(struct.pack(f"<{_VECTORS}I", *vectors))
    frame = display_frame(build.shows)
    image += struct.pack("<III", build.supply, build.flags, len(frame)) + frame
    image += bytes(CODE_OFFSET - len(image)) + _code()
    if len(image) > MARKER_OFFSET:
        raise ValueError("the code has grown into the marker")
    image += bytes(MARKER_OFFSET - len(image))
    image += build.product.encode().ljust(VERSION_OFFSET - MARKER_OFFSET, b"\0")
    image += build.version.encode().ljust(DATA_OFFSET - VERSION_OFFSET, b"\0")
    draw = Random(f"image {build.product} {build.version} {build.length}")
    image += draw.randbytes(build.length - len(image))
    if build.sealed:
        image[-4:] = zlib.crc32(image[:-4]).to_bytes(4, "little")
    return bytes(image)


def display_frame(pack_mv: int) -> bytes:
    """What the firmware sends to the display: 16 equal cells."""
    payload = struct.pack(f"<HhBB{CELLS}H", pack_mv // 10, 0, 77, 0, *[pack_mv // CELLS] * CELLS)
    body = bytes([len(payload)]) + payload
    return b"\x55\xaa" + body + crc16(body).to_bytes(2, "little")
