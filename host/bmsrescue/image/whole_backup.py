"""Backups that a helper has made: an ELF file without what was blank, or, before December 2026, the whole flash."""

from __future__ import annotations

import io

from bmsrescue.image.contents import ImageFileError
from bmsrescue.image.elf import read_elf
from rescuelink.targets import FLASH_BASE

_MAGIC = b"\x7fELF"
_WHOLE = "bmsrescue.whole"
_MOST_BYTES = 16 << 20


def is_backup(content: bytes) -> bool:
    """Whether a helper has made it. Of an ELF file that `read_elf` takes."""
    return content.startswith(_MAGIC) and _size_of(content) > 0


def whole_flash(content: bytes, name: str) -> bytes:
    """What the flash held, from its first byte to its last; 0xFF where it was blank or could not be read.

    Raises:
        ImageFileError: an ELF file that is damaged, or is none that a helper has made.
    """
    if not content.startswith(_MAGIC):
        return content
    segments = read_elf(content, name)
    size = _size_of(content)
    if not 0 < size <= _MOST_BYTES:
        raise ImageFileError(
            f"{name} does not say how large its chip's flash is: it is no backup of a helper",
            "Take the file from the helper's card, or give the firmware as an image.",
        )
    data = bytearray(b"\xff" * size)
    for segment in segments:
        offset = segment.address - FLASH_BASE
        if offset < 0 or offset + len(segment.data) > size:
            raise ImageFileError(f"{name} has bytes at 0x{segment.address:08x}, outside its flash", "Copy it again.")
        data[offset : offset + len(segment.data)] = segment.data
    return bytes(data)


def _size_of(content: bytes) -> int:
    from elftools.elf.elffile import ELFFile

    section = ELFFile(io.BytesIO(content)).get_section_by_name(_WHOLE)
    return int(section["sh_size"]) if section is not None and section["sh_addr"] == FLASH_BASE else 0
