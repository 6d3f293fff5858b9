"""What lies in a Pico's flash at first, for emulators that take it whole."""

from __future__ import annotations

import struct
from pathlib import Path

from bmsrescue.twin.rp2040.internal_flash import BLOCK_BYTES, make_flash

_FLASH_BASE = 0x1000_0000


def whole_flash(uf2: Path, files: dict[str, bytes], size: int, files_at: int, blocks: int) -> bytes:
    """`size` bytes: the firmware, and at `files_at` a file system of so many blocks with those files."""
    flash = bytearray(b"\xff" * size)
    data = uf2.read_bytes()
    for start in range(0, len(data), 512):
        address, length = struct.unpack_from("<2I", data, start + 12)
        at = address - _FLASH_BASE
        flash[at : at + length] = data[start + 32 : start + 32 + length]
    flash[files_at : files_at + blocks * BLOCK_BYTES] = make_flash(files, blocks)
    return bytes(flash)
