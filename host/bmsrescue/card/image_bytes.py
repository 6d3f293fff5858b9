"""The bytes of a card's image: in memory, or in a file of any size of which only what changes is kept in memory."""

from __future__ import annotations

import os
import weakref
from pathlib import Path
from typing import Protocol

BLOCK_BYTES = 512


class ImageBytes(Protocol):
    """What a card's image is to whoever reads and writes it, here and in the twin's slot: a `bytearray` is one."""

    def __len__(self) -> int: ...

    def __getitem__(self, place: slice, /) -> bytes | bytearray: ...

    def __setitem__(self, place: slice, data: bytes | bytearray, /) -> None: ...


class FileImage:
    """An image file, opened to be read. Changes stay in memory until `save`, which writes those blocks alone.

    Raises OSError where the file cannot be read or, in `save`, written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("rb", buffering=0)
        weakref.finalize(self, self._file.close)
        self._size = self._file.seek(0, os.SEEK_END)
        self._version = self._version_on_disk()
        self._changed: dict[int, bytearray] = {}

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, place: slice, /) -> bytes:
        start, stop, _step = place.indices(self._size)
        if stop <= start:
            return b""
        data = self._read(start, stop - start)
        first, last = start // BLOCK_BYTES, (stop - 1) // BLOCK_BYTES
        touched = [n for n in range(first, last + 1) if n in self._changed] if self._changed else []
        for number in touched:
            block = self._changed[number]
            at = number * BLOCK_BYTES
            low, high = max(at, start), min(at + len(block), stop)
            data[low - start : high - start] = block[low - at : high - at]
        return bytes(data)

    def __setitem__(self, place: slice, data: bytes | bytearray, /) -> None:
        start, stop, _step = place.indices(self._size)
        if stop - start != len(data):
            raise ValueError("an image keeps its size")
        at = start
        while at < stop:
            number, offset = divmod(at, BLOCK_BYTES)
            count = min(BLOCK_BYTES - offset, stop - at)
            block = self._changed.pop(number, None)
            if block is None:
                begin = number * BLOCK_BYTES
                block = bytearray(self[begin : begin + BLOCK_BYTES])
            block[offset : offset + count] = data[at - start : at - start + count]
            self._changed[number] = block  # as the newest: they are written in this order
            at += count

    def is_stale(self) -> bool:
        """Whether something else has written to the file since it was opened."""
        return self._version_on_disk() != self._version

    def save(self) -> None:
        """Write the changed blocks into the file, in the order in which they were changed last.

        A FAT driver writes data first and the tables and directories that name them last, so that a save which is cut
        leaves what was there before.
        """
        if not self._changed:
            return
        with self.path.open("r+b", buffering=0) as file:
            for number, block in self._changed.items():
                file.seek(number * BLOCK_BYTES)
                view = memoryview(block)
                while view:
                    view = view[file.write(view) :]
            os.fsync(file.fileno())
        self._changed.clear()
        self._version = self._version_on_disk()

    def _read(self, start: int, count: int) -> bytearray:
        data = bytearray(count)
        self._file.seek(start)
        view = memoryview(data)
        while view:
            done = self._file.readinto(view)
            if not done:
                break  # the file has become shorter
            view = view[done:]
        return data

    def _version_on_disk(self) -> tuple[int, int]:
        status = self.path.stat()
        return status.st_size, status.st_mtime_ns
