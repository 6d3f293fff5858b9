# Reads a backup on the card: an ELF file with a segment for each run of sectors that hold something (backup/layout.py).
# What no segment covers was blank. Before December 2026 a backup was the whole flash, from its first byte.

import struct

from micropython import const

from rescue.engine.common import files, image

_MAGIC = b"\x7fELF"
_TABLE_AT = const(28)  # of the header: where the segments' table begins; COUNT_AT: how many there are
_COUNT_AT = const(44)
_HEADER_BYTES = const(52)
_ENTRY_BYTES = const(32)
_MOST = const(64)


class BackupFile:
    """`path` on the card; `base`: of the flash. Raises CardError."""

    def __init__(self, path, base):
        self._path = path
        self._base = base
        self._parts = None  # [(address, bytes, offset in the file)]

    def fill(self, address, view):
        """What the flash held from `address`."""
        try:
            with open(self._path, "rb") as file:
                if self._parts is None:
                    self._parts = self._parts_of(file)
                image.fill_blank(view)
                for start, size, offset in self._parts:
                    low, high = max(start, address), min(start + size, address + len(view))
                    if low < high:
                        file.seek(offset + low - start)
                        file.readinto(view[low - address : high - address])
        except (OSError, ValueError) as error:  # the latter of a table that is cut short
            raise files.card_error("cannot read the backup", error) from None

    def _parts_of(self, file):
        head = file.read(_HEADER_BYTES)
        if head[:4] != _MAGIC:
            return [(self._base, file.seek(0, 2), 0)]
        file.seek(struct.unpack_from("<I", head, _TABLE_AT)[0])
        parts = []
        for _ in range(min(struct.unpack_from("<H", head, _COUNT_AT)[0], _MOST)):
            _kind, offset, address, _physical, size = struct.unpack_from("<5I", file.read(_ENTRY_BYTES), 0)
            parts.append((address, size, offset))
        return parts
