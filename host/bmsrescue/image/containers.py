"""Binary files with firmware in them: DfuSe and DFU, MCUboot, ZIP. Each is checked to its end.

DfuSe: ST UM0391 (DFU file format). DFU: USB DFU 1.1, appendix B. MCUboot: docs.mcuboot.com, "Image format".
"""

from __future__ import annotations

import hashlib
import io
import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator

from bmsrescue.image.contents import Contents, ImageFileError, Segment

DFU_SUFFIX_BYTES = 16
MCUBOOT_MAGIC = 0x96F3B83D
_MCUBOOT_ENCRYPTED = 0x4 | 0x8
_COPY_AGAIN = "Copy it again."
_MAX_UNPACKED = 64 << 20
_TLV_AREA, _TLV_SHA256 = 0x6907, 0x10
_TRAILER = bytes.fromhex("77c295f360d2ef7f3552500f2cb67980")  # at the end of a slot that is to be tried
# What the unpackers of the standard library raise for damaged files.
_DAMAGE = (
    ArithmeticError,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    ValueError,
    lzma.LZMAError,
    struct.error,
    zlib.error,
)


def is_dfuse(content: bytes) -> bool:
    return content[:5] == b"DfuSe"


def has_dfu_suffix(content: bytes) -> bool:
    """As dfu-suffix puts it behind any file."""
    return len(content) > DFU_SUFFIX_BYTES and content[-8:-5] == b"UFD" and content[-5] >= DFU_SUFFIX_BYTES


def read_dfuse(content: bytes, name: str) -> list[Segment]:
    """Raises ImageFileError."""
    if len(content) < 11 + DFU_SUFFIX_BYTES or content[-8:-5] != b"UFD":
        raise ImageFileError(f"{name} ends early: the DFU suffix is missing", _COPY_AGAIN)
    if zlib.crc32(content[:-4]) ^ 0xFFFFFFFF != int.from_bytes(content[-4:], "little"):
        raise ImageFileError(f"{name} is damaged: its CRC is wrong", _COPY_AGAIN)
    size, targets = struct.unpack_from("<IB", content, 6)
    if size != len(content) - DFU_SUFFIX_BYTES:
        raise ImageFileError(f"{name} says {size} bytes and has {len(content) - DFU_SUFFIX_BYTES}", _COPY_AGAIN)
    contents, at = Contents(name), 11
    try:
        for _ in range(targets):
            if content[at : at + 6] != b"Target":
                raise ImageFileError(f"{name} is damaged: no target at {at}", _COPY_AGAIN)
            elements = struct.unpack_from("<I", content, at + 270)[0]
            at += 274
            for _ in range(elements):
                address, length = struct.unpack_from("<II", content, at)
                if at + 8 + length > size:
                    raise ImageFileError(f"{name} ends early", _COPY_AGAIN)
                contents.add(address, content[at + 8 : at + 8 + length])
                at += 8 + length
    except struct.error:
        raise ImageFileError(f"{name} ends early", _COPY_AGAIN) from None
    if at != size:
        raise ImageFileError(f"{name} has {size - at} bytes behind its last target", _COPY_AGAIN)
    return contents.segments()


def without_dfu_suffix(content: bytes, name: str) -> bytes:
    """The bytes in a plain DFU file, which says nothing of their place. Raises ImageFileError."""
    if zlib.crc32(content[:-4]) ^ 0xFFFFFFFF != int.from_bytes(content[-4:], "little"):
        raise ImageFileError(f"{name} is damaged: its CRC is wrong", _COPY_AGAIN)
    return content[: -max(content[-5], DFU_SUFFIX_BYTES)]


def is_mcuboot(content: bytes) -> bool:
    return int.from_bytes(content[:4], "little") == MCUBOOT_MAGIC


def check_mcuboot(content: bytes, name: str) -> str:
    """The version of a signed image, which is written whole, its header first. Raises ImageFileError."""
    if len(content) < 32:
        raise ImageFileError(f"{name} ends early", _COPY_AGAIN)
    _magic, _load, header, protected, size, flags = struct.unpack_from("<IIHHII", content)
    major, minor, revision, build = struct.unpack_from("<BBHI", content, 20)
    if flags & _MCUBOOT_ENCRYPTED:
        raise ImageFileError(
            f"{name} is an encrypted MCUboot image", "Only the maker's own bootloader can use it; ask for a plain one."
        )
    end = header + size + protected
    if header < 32 or len(content) < end + 4 or struct.unpack_from("<H", content, end)[0] != _TLV_AREA:
        raise ImageFileError(f"{name} ends early: the MCUboot trailer is missing", _COPY_AGAIN)
    last = end + struct.unpack_from("<H", content, end + 2)[0]
    if last > len(content):
        raise ImageFileError(f"{name} ends early: the MCUboot trailer is cut", _COPY_AGAIN)
    for kind, value in _tlvs(content[end + 4 : last]):
        if kind == _TLV_SHA256 and value != hashlib.sha256(content[:end]).digest():
            raise ImageFileError(f"{name} is damaged: it has another SHA-256 than it says", _COPY_AGAIN)
    if content[last:].strip(b"\xff") and not content.endswith(_TRAILER):
        raise ImageFileError(f"{name} goes on behind its MCUboot trailer", "Give the signed image alone.")
    return f"{major}.{minor}.{revision}+{build}"


def _tlvs(area: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + 4 <= len(area):
        kind, length = struct.unpack_from("<HH", area, at)
        yield kind, area[at + 4 : at + 4 + length]
        at += 4 + length


def is_zip(content: bytes) -> bool:
    return content[:4] in (b"PK\x03\x04", b"PK\x05\x06")


def files_in_zip(content: bytes, name: str) -> dict[str, bytes]:
    """The files in an archive that is not larger than a firmware may be. Raises ImageFileError."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            if sum(entry.file_size for entry in entries) > _MAX_UNPACKED:
                raise ImageFileError(f"{name} unpacks to more than 64 MiB", "Unpack it, and give the firmware in it.")
            if any(entry.flag_bits & 1 for entry in entries):
                raise ImageFileError(f"{name} is locked with a password", "Unpack it, and give the firmware in it.")
            return {entry.filename: archive.read(entry) for entry in entries}
    except NotImplementedError as error:
        raise ImageFileError(
            f"{name} is packed in a way that is not known here", "Unpack it, and give the firmware in it."
        ) from error
    except (*_DAMAGE, zipfile.BadZipFile) as error:
        raise ImageFileError(f"{name} is a damaged ZIP file", _COPY_AGAIN) from error
