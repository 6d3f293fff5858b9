# What of the flash a backup holds, and the head of its file: an ELF for 32-bit Arm, so that any tool that loads such
# files can write it back, and a program header for each run of sectors that hold something. Sections say the same for
# tools that go by them, and one more, without contents, how large the flash is.
#
# The head takes a whole chunk: what follows lies in the file as chunks do on the card.

import struct

from micropython import const

from rescue.engine.common import files

_NAMES = b"\0.flash\0.shstrtab\0bmsrescue.whole\0"
_CONTENTS, _STRINGS, _WHOLE = 1, 8, 18  # places of the names in it
_HEAD = const(52)
_SEGMENT = const(32)
_SECTION = const(40)
_MOST = const(24)  # runs whose tables fit into a chunk: 52 + 24 * (32 + 40) + 3 * 40 + the names


def runs_of(parts):
    """[(address, bytes)] of what is to be kept, in order, from that of each sector: neighbours together."""
    gap = 0
    while True:
        runs = _runs(parts, gap)
        if len(runs) <= _MOST:
            return runs
        gap = 2 * gap or files.CHUNK  # what is blank between two runs is kept with them


def _runs(parts, gap):
    runs = []
    for address, length in parts:
        if runs and address - sum(runs[-1]) <= gap:
            runs[-1] = (runs[-1][0], address + length - runs[-1][0])
        else:
            runs.append((address, length))
    return runs


def is_in(runs, address):
    """Whether what lies at `address` is kept."""
    return any(start <= address < start + length for start, length in runs)


def write_head(file, runs, base, size):
    """The first chunk of the file, from files.buffer. `base`, `size`: of the whole flash. Raises OSError."""
    buffer, count = files.buffer, len(runs)
    for at in range(files.CHUNK):
        buffer[at] = 0
    sections_at = _HEAD + count * _SEGMENT
    names_at = files.CHUNK - len(_NAMES)
    # e_ident; type EXEC, machine ARM, version 1, entry, program headers, sections, flags EABI5; the tables' sizes
    struct.pack_into("<4s3B", buffer, 0, b"\x7fELF", 1, 1, 1)
    struct.pack_into("<2H5I", buffer, 16, 2, 40, 1, 0, _HEAD, sections_at, 0x05000000)
    struct.pack_into("<6H", buffer, 40, _HEAD, _SEGMENT, count, _SECTION, count + 3, count + 2)
    section = sections_at + _SECTION  # the first one says nothing
    _put_section(buffer, section, _WHOLE, 8, 0, base, names_at, size)  # NOBITS, not loaded
    offset = files.CHUNK
    for index, (address, length) in enumerate(runs):
        # LOAD, to be read and run, virtual address, physical address, bytes in the file and in memory
        at = _HEAD + index * _SEGMENT
        struct.pack_into("<8I", buffer, at, 1, offset, address, address, length, length, 5, 4)
        section += _SECTION
        _put_section(buffer, section, _CONTENTS, 1, 6, address, offset, length)  # PROGBITS, allocated, code
        offset += length
    _put_section(buffer, section + _SECTION, _STRINGS, 3, 0, 0, names_at, len(_NAMES))
    files.view[names_at:] = _NAMES
    if file.write(files.view) != files.CHUNK:
        raise OSError(28)


def _put_section(buffer, at, name, kind, flags, address, offset, size):
    struct.pack_into("<10I", buffer, at, name, kind, flags, address, offset, size, 0, 0, 4, 0)
