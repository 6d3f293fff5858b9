"""Firmware files: ELF, Intel HEX or BIN, as segments of bytes at addresses in flash."""

import io
from dataclasses import dataclass
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile
from intelhex import IntelHex, IntelHexError

from bmsrescue.errors import HostError

FLASH_BASE = 0x0800_0000
# The smallest piece of flash that an STM32H7 programs.
WORD_BYTES = 32
_ERASED = b"\xff"


class ImageFileError(HostError):
    """The file is no firmware image that can be used."""


@dataclass(frozen=True)
class Segment:
    """`data` for `address` and up."""

    address: int
    data: bytes

    @property
    def end(self) -> int:
        return self.address + len(self.data)


def load_segments(path: Path, base: int | None = None) -> list[Segment]:
    """Read a firmware file and return its segments, sorted, each starting at a flash word.

    The format is told by content (ELF, Intel HEX) and, for a BIN, by its name or by `base`, the address of its first
    byte (0x08000000 when not given).

    Raises:
        ImageFileError: cannot be read, is empty, overlaps itself, or is made for another kind of processor.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ImageFileError(f"cannot read {path}: {error.strerror}", "Check the name and the permissions.") from error
    if content.startswith(b"\x7fELF"):
        segments = _from_elf(path, content)
    elif content.lstrip().startswith(b":") and base is None:
        segments = _from_hex(path, content)
    elif base is not None or path.suffix.lower() == ".bin":
        segments = [Segment(FLASH_BASE if base is None else base, content)] if content else []
        if segments and segments[0].address % WORD_BYTES:
            raise ImageFileError(
                f"the base address 0x{segments[0].address:08x} of {path.name} is not a multiple of {WORD_BYTES}",
                "Flash is programmed in words of 32 bytes: give the address of a word.",
            )
    else:
        raise ImageFileError(
            f"{path.name} is neither an ELF, an Intel HEX nor a .bin file",
            "For raw bytes under another name give their address with --base.",
        )
    if not segments:
        raise ImageFileError(f"{path.name} holds no bytes for the flash", "Check that the build made a whole image.")
    return _in_flash_words(path, sorted(segments, key=lambda segment: segment.address))


def _from_elf(path: Path, content: bytes) -> list[Segment]:
    try:
        elf = ELFFile(io.BytesIO(content))
        if elf["e_machine"] != "EM_ARM":
            raise ImageFileError(
                f"{path.name} is made for {elf['e_machine']}, not for an Arm core", "Choose the firmware of this unit."
            )
        return [
            Segment(part["p_paddr"], part.data())
            for part in elf.iter_segments()
            if part["p_type"] == "PT_LOAD" and part["p_filesz"]
        ]
    except (ELFError, UnicodeDecodeError) as error:
        raise ImageFileError(f"{path.name} is a damaged ELF file ({error})", "Build or copy it again.") from error


def _from_hex(path: Path, content: bytes) -> list[Segment]:
    image = IntelHex()
    try:
        image.loadhex(io.StringIO(content.decode("ascii")))
    except (IntelHexError, UnicodeDecodeError) as error:
        raise ImageFileError(f"{path.name} is a damaged Intel HEX file ({error})", "Build or copy it again.") from error
    return [Segment(start, image.tobinstr(start=start, size=end - start)) for start, end in image.segments()]


def _in_flash_words(path: Path, segments: list[Segment]) -> list[Segment]:
    """Join what shares a flash word, and let every segment start at one; the bytes between stay erased."""
    joined: list[Segment] = []
    for segment in segments:
        lead = segment.address % WORD_BYTES
        if joined and segment.address < joined[-1].end:
            raise ImageFileError(
                f"two parts of {path.name} overlap at 0x{segment.address:08x}", "Check the linker script or the merge."
            )
        if joined and segment.address - lead < joined[-1].end:
            before = joined.pop()
            gap = segment.address - before.end
            joined.append(Segment(before.address, before.data + _ERASED * gap + segment.data))
        else:
            joined.append(Segment(segment.address - lead, _ERASED * lead + segment.data))
    return _join_touching(joined)


def _join_touching(segments: list[Segment]) -> list[Segment]:
    joined: list[Segment] = []
    for segment in segments:
        if joined and joined[-1].end == segment.address:
            before = joined.pop()
            joined.append(Segment(before.address, before.data + segment.data))
        else:
            joined.append(segment)
    return joined
