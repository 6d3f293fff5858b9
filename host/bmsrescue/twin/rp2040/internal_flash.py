"""The part of a Pico's flash that MicroPython keeps its files in, as littlefs2 makes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from littlefs import LittleFS

BLOCK_BYTES: Final = 4096


def make_flash(files: Mapping[str, bytes], blocks: int) -> bytes:
    """An image with `files` (paths with "/"), as MicroPython's rp2 port formats it: version 2.0, 256-byte pages."""
    volume = LittleFS(
        block_size=BLOCK_BYTES,
        block_count=blocks,
        prog_size=256,
        read_size=32,
        lookahead_size=32,
        disk_version=0x0002_0000,
    )
    for path, data in sorted(files.items()):
        folders = path.split("/")[:-1]
        for depth in range(1, len(folders) + 1):
            volume.makedirs("/" + "/".join(folders[:depth]), exist_ok=True)
        with volume.open("/" + path, "wb") as file:
            file.write(data)
    return bytes(volume.context.buffer)


def read_flash(image: bytes) -> dict[str, bytes]:
    """All files of an image."""
    volume = LittleFS(
        block_size=BLOCK_BYTES, block_count=len(image) // BLOCK_BYTES, prog_size=256, read_size=32, mount=False
    )
    volume.context.buffer = bytearray(image)
    volume.mount()
    found = {}
    for folder, _folders, names in volume.walk("/"):
        for name in names:
            path = f"{folder.rstrip('/')}/{name}"
            with volume.open(path, "rb") as file:
                found[path.lstrip("/")] = file.read()
    return found
