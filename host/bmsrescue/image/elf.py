"""ELF and AXF of any compiler: the allocated sections where there are any, else the segments to load."""

from __future__ import annotations

import io
from typing import Any

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile

from bmsrescue.image.contents import Contents, ImageFileError, Segment

_ALLOC = 2


def read_elf(content: bytes, name: str) -> list[Segment]:
    """Bytes at load addresses (LMA). Raises ImageFileError."""
    try:
        elf = ELFFile(io.BytesIO(content))
        if elf["e_machine"] != "EM_ARM":
            raise ImageFileError(
                f"{name} is made for {elf['e_machine']}, not for an Arm core", "Choose the firmware of this unit."
            )
        if not elf.little_endian or elf.elfclass != 32:
            raise ImageFileError(f"{name} is not a 32-bit little-endian ELF", "Choose the firmware of this unit.")
        if elf["e_type"] == "ET_REL":
            raise ImageFileError(f"{name} is not linked yet (an object file)", "Give the linked firmware.")
        contents = Contents(name)
        loads = [part for part in elf.iter_segments() if part["p_type"] == "PT_LOAD" and part["p_filesz"]]
        for part in loads:
            _check_whole(content, part["p_offset"], part["p_filesz"], name)
        sections = [s for s in elf.iter_sections() if s["sh_flags"] & _ALLOC and s["sh_size"]]
        for address, data in _of_sections(content, sections, loads, name) if sections else _of_loads(elf, loads):
            contents.add(address, data)
        return contents.segments()
    except (ELFError, UnicodeDecodeError, ValueError, OverflowError, KeyError, AttributeError, TypeError) as error:
        raise ImageFileError(f"{name} is a damaged ELF file ({error})", "Build or copy it again.") from error


def _of_sections(content: bytes, sections: list[Any], loads: list[Any], name: str) -> list[tuple[int, bytes]]:
    # A section lies in a segment; the segment says where it is loaded.
    found = []
    for section in sections:
        if section["sh_type"] == "SHT_NOBITS":
            continue
        offset, size = section["sh_offset"], section["sh_size"]
        _check_whole(content, offset, size, name)
        for part in loads:
            if part["p_offset"] <= offset and offset + size <= part["p_offset"] + part["p_filesz"]:
                address = part["p_paddr"] + offset - part["p_offset"]
                found.append((address, content[offset : offset + size]))
                break
    return found


def _of_loads(elf: Any, loads: list[Any]) -> list[tuple[int, bytes]]:
    # Without sections: all of each segment but the file's own headers, which a linker may have put into the first.
    headers = max(elf["e_ehsize"], elf["e_phoff"] + elf["e_phnum"] * elf["e_phentsize"])
    found = []
    for part in loads:
        skip = max(0, headers - part["p_offset"]) if part["p_offset"] < headers else 0
        if skip < part["p_filesz"]:
            found.append((part["p_paddr"] + skip, part.data()[skip:]))
    return found


def _check_whole(content: bytes, offset: int, size: int, name: str) -> None:
    if offset + size > len(content):
        raise ImageFileError(f"{name} ends early: {offset + size - len(content)} bytes are missing", "Copy it again.")
