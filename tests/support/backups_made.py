"""Backup files as a helper's own code lays them out, of contents that a test has made up."""

from __future__ import annotations

import io
from collections.abc import Mapping

from bmsrescue.agent.files import make_importable
from rescuelink.targets import FLASH_BASE

make_importable()

from rescue.engine.backup import layout  # noqa: E402
from rescue.engine.common import files  # noqa: E402


def parts_of(flash: bytes, size: int, unreadable: tuple[int, ...] = ()) -> list[tuple[int, int]]:
    """Of each sector of `size` bytes its beginning, up to the last chunk that holds something, as the step asks it."""
    found = []
    for index in range(len(flash) // size):
        used = len(flash[index * size : (index + 1) * size].rstrip(b"\xff"))
        if used and index not in unreadable:
            found.append((FLASH_BASE + index * size, -(-used // files.CHUNK) * files.CHUNK))
    return found


def backup_of(flash: bytes, size: int, unreadable: tuple[int, ...] = ()) -> bytes:
    """The file."""
    runs = layout.runs_of(parts_of(flash, size, unreadable))
    file = io.BytesIO()
    layout.write_head(file, runs, FLASH_BASE, len(flash))
    for address, length in runs:
        file.write(flash[address - FLASH_BASE : address - FLASH_BASE + length])
    return file.getvalue()


def flash_with(contents: Mapping[int, bytes], size: int = 1 << 20) -> bytes:
    """A blank flash but for `contents`, by their offset."""
    flash = bytearray(b"\xff" * size)
    for offset, data in contents.items():
        flash[offset : offset + len(data)] = data
    return bytes(flash)
