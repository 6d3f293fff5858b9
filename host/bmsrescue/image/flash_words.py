"""Firmware files as segments that start at flash words: what a card's image is made of."""

from pathlib import Path

from bmsrescue.image.contents import ImageFileError, Segment
from bmsrescue.image.read import WORD_BYTES, Firmware, load_firmware

_ERASED = b"\xff"


def load_segments(path: Path, base: int | None = None) -> list[Segment]:
    """Read a firmware file and return its segments, sorted, each starting at a flash word.

    `base`: the address of the first byte of raw bytes (BIN), 0x08000000 when not given.

    Raises:
        ImageFileError: it cannot be used; says why and what to do.
    """
    return load_image(path, base).segments


def load_image(path: Path, base: int | None = None, only_flash: bool = False) -> Firmware:
    """The same with what else is known of the file. `only_flash`: leave out what does not belong into the flash."""
    firmware = load_firmware(path, base, only_flash)
    firmware.segments = _in_flash_words(path, firmware.segments)
    return firmware


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
