"""ELF and AXF of any compiler: the allocated sections where there are any, else the segments to load."""

from __future__ import annotations

import io
from typing import Any

from bmsrescue.image.contents import Contents, ImageFileError, Segment

_ALLOC = 2
_AGAIN = "Build or copy it again."
_SLACK_BYTES = 16  # zeros behind the end, up to the next boundary
_HEADER_BYTES, _SECTION_BYTES, _LOAD_BYTES = 52, 40, 32
_ARM_ENTRY = 0x8000_0000  # PF_ARM_ENTRY, which armlink sets: its sections say where they run, not where they lie


def read_elf(content: bytes, name: str) -> list[Segment]:
    """Bytes at load addresses (LMA). Raises ImageFileError."""
    # Late: as long to load as our own readers together, and few commands read an ELF.
    from elftools.common.exceptions import ELFError
    from elftools.elf.elffile import ELFFile

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
        _check_header(elf, content, name)
        parts = list(elf.iter_segments())
        loads = [part for part in parts if part["p_type"] == "PT_LOAD" and part["p_filesz"]]
        for part in parts:
            _check_whole(content, part["p_offset"], part["p_filesz"], name)
            alignment = part["p_align"]
            is_load = part["p_type"] == "PT_LOAD"
            if is_load and (part["p_filesz"] > part["p_memsz"] or (alignment and alignment & (alignment - 1))):
                raise _damaged(name, "a segment's size or alignment cannot be")
        every = list(elf.iter_sections()) if elf["e_shnum"] else []
        _check_sections(elf, every, content, name)
        _check_end(elf, parts, every, content, name)
        sections = [s for s in every if s["sh_flags"] & _ALLOC and s["sh_size"]]
        contents = Contents(name)
        for address, data in _of_sections(content, sections, loads, name) if sections else _of_loads(elf, loads):
            contents.add(address, data)
        return contents.segments()
    except (ELFError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise ImageFileError(f"{name} is a damaged ELF file ({_first_line(error)})", _AGAIN) from error


def comment_of(content: bytes) -> bytes:
    """The section in which compilers name themselves; empty where there is none. Of a file that `read_elf` took."""
    from elftools.elf.elffile import ELFFile

    section = ELFFile(io.BytesIO(content)).get_section_by_name(".comment")
    return b"" if section is None else bytes(section.data())


def _check_header(elf: Any, content: bytes, name: str) -> None:
    # Both tables lie in the file; where bytes came in or went, they do not stand where the header says.
    if elf["e_phnum"] and (elf["e_phentsize"] != _LOAD_BYTES or elf["e_phoff"] < _HEADER_BYTES):
        raise _damaged(name, "its program headers")
    _check_whole(content, elf["e_phoff"], elf["e_phnum"] * _LOAD_BYTES, name)
    if bool(elf["e_shoff"]) != bool(elf["e_shnum"]):
        raise _damaged(name, "its section table")
    if elf["e_shnum"] and elf["e_shentsize"] != _SECTION_BYTES:
        raise _damaged(name, "its section table")
    _check_whole(content, elf["e_shoff"], elf["e_shnum"] * _SECTION_BYTES, name)


def _check_sections(elf: Any, sections: list[Any], content: bytes, name: str) -> None:
    if not sections:
        return
    if content[elf["e_shoff"] : elf["e_shoff"] + _SECTION_BYTES].strip(b"\0") or elf["e_shstrndx"] >= len(sections):
        raise _damaged(name, "its section table")
    names = sections[elf["e_shstrndx"]]
    if names["sh_type"] != "SHT_STRTAB":
        raise _damaged(name, "its section names")
    for section in sections[1:]:
        if section["sh_name"] >= names["sh_size"] or section["sh_link"] >= len(sections):
            raise _damaged(name, "its section table")
        if section["sh_type"] not in ("SHT_NOBITS", "SHT_NULL"):
            _check_whole(content, section["sh_offset"], section["sh_size"], name)


def _check_end(elf: Any, parts: list[Any], sections: list[Any], content: bytes, name: str) -> None:
    # Where a byte came in, all behind it stands elsewhere than the tables say, and the file is longer than they do. A
    # file without sections says nothing of what its linker left in it besides.
    if not sections:
        return
    ends = [
        elf["e_shoff"] + elf["e_shnum"] * _SECTION_BYTES,
        elf["e_phoff"] + elf["e_phnum"] * _LOAD_BYTES,
        *(part["p_offset"] + part["p_filesz"] for part in parts),
        *(s["sh_offset"] + s["sh_size"] for s in sections if s["sh_type"] not in ("SHT_NOBITS", "SHT_NULL")),
    ]
    if content[max(ends) :].strip(b"\0") or len(content) - max(ends) >= _SLACK_BYTES:
        raise ImageFileError(f"{name} goes on behind its end, by {len(content) - max(ends)} bytes", _AGAIN)


def _of_sections(content: bytes, sections: list[Any], loads: list[Any], name: str) -> list[tuple[int, bytes]]:
    # A section lies in a segment; the segment says where it is loaded.
    found = []
    by_armlink = any(part["p_flags"] & _ARM_ENTRY for part in loads)
    for section in sections:
        if section["sh_type"] == "SHT_NOBITS":
            continue
        offset, size = section["sh_offset"], section["sh_size"]
        there = [p for p in loads if p["p_offset"] <= offset and offset + size <= p["p_offset"] + p["p_filesz"]]
        if not by_armlink:
            there = [p for p in there if section["sh_addr"] - p["p_vaddr"] == offset - p["p_offset"]]
        if loads and not there:
            raise _damaged(name, f"the section at 0x{section['sh_addr']:08x} lies in none of its segments")
        address = there[0]["p_paddr"] + offset - there[0]["p_offset"] if there else section["sh_addr"]
        found.append((address, content[offset : offset + size]))
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


def _damaged(name: str, what: str) -> ImageFileError:
    return ImageFileError(f"{name} is a damaged ELF file: {what}", _AGAIN)


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
