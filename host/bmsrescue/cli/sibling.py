"""`bmsrescue card build --from`: a good unit's backup as the source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bmsrescue.card.build import Built
from bmsrescue.card.storage import write_atomically
from bmsrescue.cli.new_file import check_new
from bmsrescue.cli.output import console
from bmsrescue.errors import UsageError
from bmsrescue.image.whole_flash import Span
from bmsrescue.sibling.chart import map_picture, picture_lines, word_lines
from bmsrescue.sibling.good import load_dead, load_good
from bmsrescue.sibling.job import Choices, build_job
from bmsrescue.sibling.own import FlashMap, map_of
from rescuelink.targets import FLASH_BASE


@dataclass(frozen=True)
class Asked:
    """What a person gave with --from. take, keep: ADDRESS or ADDRESS+LENGTH."""

    good: Sequence[Path]
    dead: Path | None
    take: Sequence[str]
    keep: Sequence[str]
    picture: Path | None
    version: str
    chip: str
    markers: tuple[str, ...]


def build_from(asked: Asked, overwrite: bool) -> tuple[Built, FlashMap]:
    """The card's files and the map. Raises HostError."""
    if asked.picture is not None:
        if asked.picture.suffix.lower() != ".png":
            raise UsageError(f"{asked.picture} is no .png", "Give it that name.")
        check_new(asked.picture, overwrite)
    units = [unit for path in asked.good for unit in load_good(path, asked.chip)]
    dead = None if asked.dead is None else load_dead(asked.dead, asked.chip)
    found = map_of(
        units,
        take=[_span(text, "--take") for text in asked.take],
        keep=[_span(text, "--keep") for text in asked.keep],
    )
    built, found = build_job(found, dead, Choices(asked.version, asked.markers))
    if asked.picture is not None:
        write_atomically(asked.picture, map_picture(found))
    return built, found


def show_map(found: FlashMap, picture: Path | None) -> None:
    """The map as a picture of signs and in words, in 80 columns."""
    for line in picture_lines(found) + word_lines(found):
        console().print(line, markup=False, highlight=False, soft_wrap=True)
    if picture is not None:
        console().print(f"The picture is {picture}.", soft_wrap=True)


def map_facts(found: FlashMap) -> dict[str, object]:
    """The same as plain JSON types."""
    return {
        "units": [{"name": unit.name, "uid": unit.uid, "chip": unit.chip} for unit in found.units],
        "told_by": found.told_by,
        "parts": [
            {"address": f"0x{part.address:08x}", "length": part.length, "kind": part.kind, "why": part.why}
            for part in found.parts
        ],
    }


def _span(text: str, option: str) -> Span:
    address, _plus, length = text.partition("+")
    try:
        start, size = int(address, 0) - FLASH_BASE, int(length, 0) if length else 0
    except ValueError as error:
        raise UsageError(f"{option} {text} is no place", "Write it as 0x0805f000+0x400.") from error
    if start < 0 or size < 0 or (option == "--keep" and not size):
        raise UsageError(f"{option} {text} is no place in the flash", "Write it as 0x0805f000+0x400.")
    return Span(start, start + size)
