"""A firmware file to segments of bytes at addresses in flash, by what is in it and not by its name.

What is written to the unit is what the file's author meant, or nothing: a file that ends early, that goes on behind its
end, that names places other than the flash, or that was linked for another address, is refused with what to do.
"""

from __future__ import annotations

import gzip
import re
import zlib
from dataclasses import dataclass, field
from pathlib import Path

from bmsrescue.image import containers, glued, linked_at
from bmsrescue.image.contents import ImageFileError, NoImageFileError, Segment
from bmsrescue.image.cut_short import cut_short
from bmsrescue.image.elf import comment_of, read_elf
from bmsrescue.image.records import read_hex, read_srec
from bmsrescue.image.uf2 import is_uf2, read_uf2
from bmsrescue.image.whole_backup import is_backup, whole_flash
from rescuelink.targets import FLASH_BASE

WORD_BYTES = 32  # the flash word of most STM32H7: what they program at once
_MAX_FILE_BYTES = 64 << 20
_SECTOR_BYTES = 0x2_0000  # the largest of any STM32H7
_ERASED = 0xFF
_RECORDS = re.compile(rb"(\xef\xbb\xbf)?\s*(:[0-9A-Fa-f]{10}|[Ss]0[0-9A-Fa-f]{4})")  # HEX, S-record
_NOISE_BYTES = 1024
_NOISE_PART = 0.98
_NOISE_BLOCK = 4096
_NOISE_SHARE = 0.8
_LFS = b"version https://git-lfs"
_OTHERS = (
    (b"%PDF", "a PDF document"),
    (b"\x89PNG", "a picture (PNG)"),
    (b"\xff\xd8\xff", "a picture (JPEG)"),
    (b"GIF8", "a picture (GIF)"),
    (b"Rar!", "a RAR archive"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an XZ archive"),
    (b"MZ", "a Windows program"),
    (b"\xcf\xfa\xed\xfe", "a macOS program"),
    (b"!<arch>", "a library (.a)"),
    (b"SQLite format 3", "a database"),
)
_PLACES = (
    (0x1FF0_0000, 0x1FF2_0000, "the chip's own system memory"),
    (0x2000_0000, 0x2002_0000, "RAM (DTCM)"),
    (0x0000_0000, 0x0001_0000, "RAM (ITCM)"),
    (0x2400_0000, 0x2410_0000, "RAM"),
    (0x3000_0000, 0x3005_0000, "RAM"),
    (0x3800_0000, 0x3801_0000, "RAM"),
    (0x5200_2000, 0x5200_3000, "option bytes"),
    (0x1FFF_0000, 0x2000_0000, "option bytes"),
    (0x9000_0000, 0xA000_0000, "an external flash (QSPI, OCTOSPI)"),
    (0x6000_0000, 0x9000_0000, "an external memory (FMC)"),
    (0xC000_0000, 0xE000_0000, "an external memory (FMC)"),
)


@dataclass
class Firmware:
    """format: in words. segments: sorted, without blank ends. notes: what a person should know of it.

    boot_address: of the vector table that the file has; None where none was found. comment: what an ELF says of the
    tools that made it, which is not in flash. flash_bytes: for the flash, before blank ones were left out.
    """

    format: str
    segments: list[Segment]
    boot_address: int | None = None
    version: str = ""
    comment: bytes = b""
    notes: list[str] = field(default_factory=list)
    flash_bytes: int = 0


def load_firmware(path: Path, base: int | None = None, only_flash: bool = False) -> Firmware:
    """Read a firmware file. `base`: of raw bytes alone. `only_flash`: leave out what lies elsewhere.

    Raises:
        ImageFileError: it cannot be used; says why and what to do.
    """
    try:
        if path.is_dir():
            raise NoImageFileError(f"{path} is a folder", "Name the firmware file in it.")
        if path.stat().st_size > _MAX_FILE_BYTES:
            raise ImageFileError(
                f"{path.name} has {path.stat().st_size >> 20} MiB", "That is no firmware for this chip."
            )
        content = path.read_bytes()
    except OSError as error:
        raise NoImageFileError(
            f"cannot read {path}: {error.strerror}", "Check the name and the permissions."
        ) from error
    return read_firmware(content, path.name, base, only_flash)


def read_firmware(content: bytes, name: str, base: int | None = None, only_flash: bool = False) -> Firmware:
    """The same for the bytes of a file."""
    if not content:
        raise ImageFileError(f"{name} is empty", "Copy it again.")
    _refuse_others(content, name)
    if containers.is_zip(content):
        return _from_zip(content, name, base, only_flash)
    if content[:2] == b"\x1f\x8b":
        return read_firmware(_unzipped(content, name), name.removesuffix(".gz"), base, only_flash)
    firmware = _with_addresses(content, name)
    if firmware is not None and base is None and is_backup(content):
        return _raw(whole_flash(content, name), name, FLASH_BASE)  # judged as any dump of a whole flash
    if firmware is None and containers.has_dfu_suffix(content):
        firmware = _raw(containers.without_dfu_suffix(content, name), name, base)
        firmware.format = "DFU, raw bytes"
        return firmware
    if firmware is None:
        return _raw(content, name, base)
    if base is not None:
        raise ImageFileError(
            f"{name} is {firmware.format}, which says itself where it goes", "Leave --base out: it is for raw bytes."
        )
    firmware.segments = _in_flash(firmware, name, only_flash)
    _check_whole_image(firmware, name)
    return firmware


def _with_addresses(content: bytes, name: str) -> Firmware | None:
    if content[:4] == b"\x7fELF":
        return Firmware("ELF", read_elf(content, name), comment=comment_of(content))
    if is_uf2(content):
        found = read_uf2(content, name)
        return Firmware("UF2", found.segments, version=found.version, notes=found.notes)
    if containers.is_dfuse(content):
        return Firmware("DfuSe", containers.read_dfuse(content, name))
    text = _text_of(content)
    if text is None and _RECORDS.match(content):
        text = content.decode("utf-8", "replace")  # damaged ones: their reader names the line
    if text is not None:
        first = _first_line(text)
        if first.startswith(":"):
            return Firmware("Intel HEX", read_hex(text, name))
        if first[:1] in "Ss" and first[1:2].isdigit():
            return Firmware("Motorola S-record", read_srec(text, name))
        raise ImageFileError(
            f"{name} is a text, and neither Intel HEX nor S-record", "Choose the firmware: ELF, HEX, S-record or BIN."
        )
    return None


def _raw(content: bytes, name: str, base: int | None) -> Firmware:
    mcuboot = containers.is_mcuboot(content)
    version = containers.check_mcuboot(content, name) if mcuboot else ""
    header = int.from_bytes(content[8:10], "little") if mcuboot else 0
    firmware = Firmware("an MCUboot image" if mcuboot else "raw bytes (BIN)", [], version=version)
    if base is not None and base % WORD_BYTES:
        raise ImageFileError(
            f"the base address 0x{base:08x} of {name} is not a multiple of {WORD_BYTES}",
            "Flash is programmed in words of 32 bytes: give the address of a word.",
        )
    if base is not None and not FLASH_BASE <= base < linked_at.FLASH_END:
        raise ImageFileError(f"0x{base:08x} lies outside the flash: {_place(base)}", "The flash begins at 0x08000000.")
    found = linked_at.linked_at(content, header)
    if found is None and linked_at.vectors_in(content, header) is None:
        front = glued.header_of(content) if base is None else None
        if front is not None:
            return _behind_header(content, name, front)
        if _is_noise(content):
            raise ImageFileError(
                f"{name} is packed or encrypted: its bytes look like noise",
                "Only the maker's own bootloader can use it; ask for a plain one.",
            )
        if content.count(_ERASED) == len(content):
            raise ImageFileError(f"{name} is blank: all its bytes are 0xFF", "Choose the firmware of this unit.")
    start = _start_of(content, name, base, header, found)
    firmware.flash_bytes = len(content)
    parts = glued.split(content, start, name) if base is None and not mcuboot else [(start, content)]
    firmware.segments = _trimmed([Segment(address, data) for address, data in parts])
    firmware.notes += [f"a further part in the file is linked for 0x{address:08x}" for address, _data in parts[1:]]
    if len(parts) == 1 and not mcuboot:  # that one has its own seal
        firmware.notes += _ends_early(content, start)
    if linked_at.vectors_in(content, header) is not None:
        firmware.boot_address = start + header
    return firmware


def _ends_early(content: bytes, start: int) -> list[str]:
    why = cut_short(content, start)
    if not why:
        return []
    return [f"the file seems to be cut short: {why}. Compare its length with the original, or copy it again"]


def _behind_header(content: bytes, name: str, front: glued.Header) -> Firmware:
    what = f"a header of {front.length} bytes{front.says} in front of the vectors, which are for 0x{front.address:08x}"
    firmware = Firmware("raw bytes (BIN) behind a header", [], front.address, flash_bytes=len(content))
    if front.in_flash:
        firmware.segments = _trimmed([Segment(front.address - front.length, content)])
        firmware.notes.append(f"{what}: it belongs into the flash, too")
    else:
        parts = glued.split(content[front.length :], front.address, name)
        firmware.segments = _trimmed([Segment(address, data) for address, data in parts])
        firmware.notes.append(f"left out: {what}")
        firmware.notes += _ends_early(content[front.length :], front.address) if len(parts) == 1 else []
    return firmware


def _start_of(content: bytes, name: str, base: int | None, header: int, found: linked_at.LinkedAt | None) -> int:
    if base is not None:
        if found is not None and not linked_at.fits(content, base, header):
            raise ImageFileError(
                f"{name} is linked for 0x{found.base:08x}, not for 0x{base:08x} ({found.lines[0]})",
                f"Give --base 0x{found.base:08x}, or the image that is meant.",
            )
        return base
    if found is None or found.base == FLASH_BASE or linked_at.fits(content, FLASH_BASE, header):
        return FLASH_BASE
    raise ImageFileError(
        f"{name} is linked for 0x{found.base:08x} ({found.lines[0]})", f"Give --base 0x{found.base:08x}."
    )


def _check_whole_image(firmware: Firmware, name: str) -> None:
    # Where its vectors are, and that they point into it.
    for segment in firmware.segments:
        header = int.from_bytes(segment.data[8:10], "little") if containers.is_mcuboot(segment.data) else 0
        vectors = linked_at.vectors_in(segment.data, header)
        if vectors is None:
            continue
        if any(part.address <= vectors.reset < part.end for part in firmware.segments):
            firmware.boot_address = segment.address + header
            return
        raise ImageFileError(
            f"the reset vector of {name} points to 0x{vectors.reset:08x}, where it has nothing",
            "Check that the file is whole: a part of the firmware is missing.",
        )


def _in_flash(firmware: Firmware, name: str, only_flash: bool) -> list[Segment]:
    inside: list[Segment] = []
    outside: list[Segment] = []
    for segment in firmware.segments:
        in_flash = segment.address >= FLASH_BASE and segment.end <= linked_at.FLASH_END
        (inside if in_flash else outside).append(segment)
    if outside and not only_flash:
        first = outside[0]
        raise ImageFileError(
            f"{name} has {len(first.data)} bytes for 0x{first.address:08x}: {_place(first.address)}",
            "bmsrescue writes the chip's flash. Leave the rest out with --only-flash.",
        )
    if outside:
        firmware.notes += [f"left out: {len(s.data)} bytes for 0x{s.address:08x}, {_place(s.address)}" for s in outside]
    if not inside:
        raise ImageFileError(f"{name} holds no bytes for the flash", "Check that the build made a whole image.")
    firmware.flash_bytes = sum(len(segment.data) for segment in inside)
    return _trimmed(inside)


def _place(address: int) -> str:
    return next((place for low, high, place in _PLACES if low <= address < high), "no memory of this chip")


def _trimmed(segments: list[Segment]) -> list[Segment]:
    """Without blank flash words at the end, and without long blank stretches inside: blank is what flash is anyway."""
    kept: list[Segment] = []
    for segment in segments:
        kept += _without_blanks(segment)
    return kept


def _without_blanks(segment: Segment) -> list[Segment]:
    # Whole blocks of the largest sector, so that nothing is left out of a sector that is written.
    parts: list[tuple[int, int]] = []
    for block in range(segment.address // _SECTOR_BYTES * _SECTOR_BYTES, segment.end, _SECTOR_BYTES):
        low = max(block, segment.address) - segment.address
        high = min(block + _SECTOR_BYTES, segment.end) - segment.address
        if segment.data.count(_ERASED, low, high) == high - low:
            continue
        if parts and parts[-1][1] == low:
            parts[-1] = (parts[-1][0], high)
        else:
            parts.append((low, high))
    found = []
    for low, high in parts:
        end = low + len(segment.data[low:high].rstrip(b"\xff"))
        end = min(high, _word_end(segment.address + end) - segment.address)
        found.append(Segment(segment.address + low, segment.data[low:end]))
    return found


def _word_end(address: int) -> int:
    """The end of the flash word in which `address` lies, or `address` itself where one ends there."""
    return (address + WORD_BYTES - 1) // WORD_BYTES * WORD_BYTES


def _from_zip(content: bytes, name: str, base: int | None, only_flash: bool) -> Firmware:
    found: list[tuple[str, Firmware]] = []
    wrong: list[ImageFileError] = []
    for inner, data in containers.files_in_zip(content, name).items():
        if inner.startswith("__MACOSX") or Path(inner).name.startswith("."):
            continue
        try:
            firmware = read_firmware(data, Path(inner).name, base, only_flash)
        except ImageFileError as error:
            wrong.append(error)
            continue
        if firmware.boot_address is not None:  # any other file would pass for raw bytes
            found.append((inner, firmware))
    if len(found) == 1:
        inner, firmware = found[0]
        firmware.notes.append(f"from {inner} in {name}")
        return firmware
    if not found:
        if len(wrong) == 1:
            raise wrong[0]
        raise ImageFileError(f"{name} holds no firmware", "Unpack it, and give the firmware in it.")
    names = ", ".join(inner for inner, _firmware in found)
    raise ImageFileError(f"{name} holds {len(found)} firmware files: {names}", "Unpack it, and give the one meant.")


def _unzipped(content: bytes, name: str) -> bytes:
    try:
        unpacker = zlib.decompressobj(31)
        data = unpacker.decompress(content, _MAX_FILE_BYTES)
        if not unpacker.eof:
            raise ImageFileError(f"{name} ends early, or unpacks to more than 64 MiB", "Copy it again.")
        if unpacker.unused_data.strip(b"\0"):
            raise ImageFileError(f"{name} goes on behind its end", "Unpack it, and give the firmware in it.")
    except (zlib.error, gzip.BadGzipFile) as error:
        raise ImageFileError(f"{name} is a damaged gzip file", "Copy it again.") from error
    return data


def _refuse_others(content: bytes, name: str) -> None:
    if content.startswith(_LFS):
        raise ImageFileError(f"{name} is a pointer to a file in Git LFS", "Fetch the file itself: git lfs pull.")
    head = content[:512].lstrip().lower()
    if head.startswith((b"<!doctype", b"<html", b"<?xml")):
        raise ImageFileError(f"{name} is a web page", "Download the file itself, not the page that shows it.")
    for magic, what in _OTHERS:
        if content.startswith(magic):
            raise ImageFileError(f"{name} is {what}", "Choose the firmware: ELF, HEX, S-record, UF2, DfuSe or BIN.")


def _text_of(content: bytes) -> str | None:
    # None where it is no text: a control character, or bytes that are no UTF-8.
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        try:
            return content.decode("utf-16")
        except UnicodeDecodeError:
            return None
    sample = content[:4096].rstrip(b"\x1a\0")
    if not sample or any(byte < 9 or 13 < byte < 32 for byte in sample):
        return None
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _first_line(text: str) -> str:
    for line in text.removeprefix("\ufeff").splitlines():
        stripped = line.strip()
        if stripped and not stripped.startswith(("#", ";", "//")):
            return stripped
    return " "


def _is_noise(data: bytes) -> bool:
    """Whether nothing packs most of it any smaller: it is packed or encrypted already, whatever stands in front."""
    blocks = [data[at : at + _NOISE_BLOCK] for at in range(0, len(data), _NOISE_BLOCK)]
    full = [block for block in blocks if len(block) >= _NOISE_BYTES and block.count(block[0]) < len(block)]
    dense = sum(len(zlib.compress(block, 6)) > _NOISE_PART * len(block) for block in full)
    return bool(full) and dense >= _NOISE_SHARE * len(full)
