"""What other readers find in a firmware file: GNU objcopy, intelhex, and a few lines for what neither of them reads.

Each gives the flash as it would be after writing, erased where the file says nothing; `None` where it reads no such
file, and `ELSEWHERE` where the file has bytes for another memory.
"""

from __future__ import annotations

import io
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

from intelhex import IntelHex, IntelHexError

from bmsrescue.image.contents import Segment

FLASH, FLASH_BYTES = 0x0800_0000, 0x20_0000
OBJCOPY = shutil.which("arm-none-eabi-objcopy")
ELSEWHERE = b""
_BFD = {"Intel HEX": "ihex", "Motorola S-record": "srec", "ELF": "elf32-littlearm"}


def flash_of(segments: Iterable[Segment]) -> bytes:
    """The flash with these in it."""
    flash = bytearray(b"\xff") * FLASH_BYTES
    for segment in segments:
        at = segment.address - FLASH
        if at < 0 or at + len(segment.data) > FLASH_BYTES:
            return ELSEWHERE
        flash[at : at + len(segment.data)] = segment.data
    return bytes(flash)


def by_objcopy(content: bytes, kind: str) -> bytes | None:
    """`kind` as bmsrescue names it."""
    assert OBJCOPY, "install binutils-arm-none-eabi"
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder) / "in", Path(folder) / "out"
        source.write_bytes(content if kind == "ELF" else _plain(content))
        command = [OBJCOPY, "-I", _BFD[kind], "-O", "srec", "--srec-forceS3", source, out]
        done = subprocess.run(command, capture_output=True, timeout=60)
        if done.returncode or not out.exists():
            return None
        return flash_of(_of_s3(out.read_text()))


def by_intelhex(content: bytes) -> bytes | None:
    image = IntelHex()
    try:
        image.loadhex(io.StringIO(_plain(content).decode("ascii")))
    except (IntelHexError, UnicodeDecodeError, ValueError):
        return None
    segments = [Segment(low, image.tobinarray(start=low, end=high - 1).tobytes()) for low, high in image.segments()]
    return flash_of(segments)


def by_load_segments(content: bytes) -> bytes:
    """An ELF without sections, by its program headers; the file's own headers are no firmware."""
    offset, size, count = struct.unpack_from("<I", content, 28)[0], *struct.unpack_from("<HH", content, 42)
    own = max(struct.unpack_from("<H", content, 40)[0], offset + size * count)
    segments = []
    for number in range(count):
        kind, start, _virtual, address, length = struct.unpack_from("<5I", content, offset + number * size)
        skip = max(0, own - start)
        if kind == 1 and length > skip:
            segments.append(Segment(address + skip, content[start + skip : start + length]))
    return flash_of(segments)


def by_uf2_blocks(content: bytes) -> bytes:
    blocks = [struct.unpack_from("<8I", content, at) for at in range(0, len(content), 512)]
    return flash_of(
        Segment(block[3], content[number * 512 + 32 : number * 512 + 32 + block[4]])
        for number, block in enumerate(blocks)
        if not block[2] & 1
    )


def by_dfu_elements(content: bytes) -> bytes:
    segments, at = [], 11
    for _ in range(content[10]):
        (count,) = struct.unpack_from("<I", content, at + 270)
        at += 274
        for _ in range(count):
            address, length = struct.unpack_from("<II", content, at)
            segments.append(Segment(address, content[at + 8 : at + 8 + length]))
            at += 8 + length
    return flash_of(segments)


def _plain(content: bytes) -> bytes:
    # What those readers do not take: a byte order mark, blanks, comments, a remark behind a record.
    text = content.decode("utf-8-sig", "replace")
    lines = [line.strip().strip("\x1a\0").partition(" ")[0] for line in text.splitlines()]
    return "\n".join([*(line.upper() for line in lines if line and line[0] in ":Ss"), ""]).encode()


def _of_s3(text: str) -> list[Segment]:
    return [
        Segment(int(line[4:12], 16), bytes.fromhex(line[12:-2])) for line in text.splitlines() if line.startswith("S3")
    ]
