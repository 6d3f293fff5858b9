"""Backup files as a helper's own code lays them out, of contents that a test has made up."""

from __future__ import annotations

import io
from collections.abc import Mapping

from bmsrescue.agent.files import make_importable
from rescuelink.targets import FLASH_BASE

make_importable()

from rescue.engine.backup import layout  # noqa: E402


def sectors_of(flash: bytes, size: int, unreadable: tuple[int, ...] = ()) -> list[dict[str, object]]:
    """The map of a flash: which of its sectors of `size` bytes are blank, and which nobody may read."""
    found: list[dict[str, object]] = []
    for index in range(len(flash) // size):
        blank = flash.count(0xFF, index * size, (index + 1) * size) == size
        state = "protected" if index in unreadable else "blank" if blank else "differs"
        found.append({"index": index, "address": FLASH_BASE + index * size, "size": size, "state": state})
    return found


def backup_of(flash: bytes, size: int, unreadable: tuple[int, ...] = ()) -> bytes:
    """The file."""
    runs = layout.runs_of(sectors_of(flash, size, unreadable))
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
