"""The unit's own firmware: prebuilt images of a small BMS for the STM32H725, its calibration, and what it promises.

The sources and their build are beside this file; README.md says what the firmware does and how its frames look.
"""

from __future__ import annotations

import random
import struct
import zlib
from pathlib import Path
from typing import Final

VERSION: Final = "1.2.0"
PREVIOUS_VERSION: Final = "1.1.0"

IMAGE_ADDRESS: Final = 0x08000000
HEADER_OFFSET: Final = 0x400
"""The image header: magic, version (16 bytes, zero padded), length, sum of the curves (src/image_header.h)."""
HEADER_MAGIC: Final = b"BMSIMAGE"
VERSION_ADDRESS: Final = IMAGE_ADDRESS + HEADER_OFFSET + len(HEADER_MAGIC)

CALIBRATION_ADDRESS: Final = 0x080E0000
"""The last sector: written in production, not part of any image."""
CALIBRATION_MAGIC: Final = 0x4C414342

MAILBOX_ADDRESS: Final = 0x2001FFE0
MAILBOX_MAGIC: Final = 0x41534D42
ALIVE_ADDRESS: Final = 0x2001FFE4
"""A word that counts up every 10 ms while the application runs (src/mailbox.h)."""
STATUS_ADDRESS: Final = 0x2001FFEC
STATUS_DEFAULT_CALIBRATION: Final = 1 << 0
"""No valid calibration block: the unit works with defaults. In the frame's status byte as well."""
STATUS_FAULT: Final = 1 << 1
STATUS_BUTTON: Final = 1 << 2
STATUS_SWITCHING_OFF: Final = 1 << 3

CORE_HZ: Final = 400_000_000
"""What the application runs at."""
LONG_PRESS_MS: Final = 1500
FRAME_PERIOD_MS: Final = 100
WATCHDOG_MS: Final = 2000

PINS: Final[dict[str, str]] = {
    "latch": "PB5",
    "button": "PC13",
    "led_run": "PE2",
    "led_fault": "PE3",
    "display_tx": "PD8",
    "display_uart": "USART3",
}
"""Latch: high holds power. Button: low while pressed. LEDs: high is lit."""

CELLS: Final = 16
_NOMINAL_GAIN: Final = 4160
_GAIN_SPREAD: Final = 24
_OFFSET_SPREAD_MV: Final = 6
_CALIBRATION: Final = struct.Struct(f"<IHH32s{CELLS}H{CELLS}h")
_FORMAT: Final = 1

_HERE = Path(__file__).resolve().parent


def image_path(version: str = VERSION) -> Path:
    """The binary image of a version; raises FileNotFoundError for one that was never built."""
    path = _HERE / f"bms-{version}.bin"
    if not path.is_file():
        raise FileNotFoundError(f"no firmware {version}: {path.name}")
    return path


def image_bytes(version: str = VERSION) -> bytes:
    """The image as it lies in flash from IMAGE_ADDRESS on."""
    return image_path(version).read_bytes()


def elf_path() -> Path:
    """The current version with symbols, for gdb and for cards made from an ELF."""
    return _HERE / f"bms-{VERSION}.elf"


def calibration_block(serial: str, seed: int) -> bytes:
    """A production line's calibration: gains and offsets of 16 cells, drawn from ``seed``, sealed with a CRC-32.

    ``serial`` is at most 31 ASCII characters; raises ValueError for others.
    """
    name = serial.encode("ascii", errors="strict")
    if len(name) > 31:
        raise ValueError(f"serial number {serial!r} has more than 31 characters")
    draw = random.Random(f"calibration {seed}")
    gains = [_NOMINAL_GAIN + draw.randint(-_GAIN_SPREAD, _GAIN_SPREAD) for _ in range(CELLS)]
    offsets = [draw.randint(-_OFFSET_SPREAD_MV, _OFFSET_SPREAD_MV) for _ in range(CELLS)]
    body = _CALIBRATION.pack(CALIBRATION_MAGIC, _FORMAT, _CALIBRATION.size, name, *gains, *offsets)
    return body + zlib.crc32(body).to_bytes(4, "little")


def expected_cells_mv(block: bytes | None) -> tuple[int, ...]:
    """The cell voltages the firmware shows with this calibration block, or with its defaults for None."""
    if block is None:
        gains, offsets = [_NOMINAL_GAIN] * CELLS, [0] * CELLS
    else:
        values = _CALIBRATION.unpack_from(block)[4:]
        gains, offsets = list(values[:CELLS]), list(values[CELLS:])
    counts = [52_000 + cell * 37 % 101 for cell in range(CELLS)]
    return tuple((count * gain >> 16) + offset for count, gain, offset in zip(counts, gains, offsets, strict=True))
