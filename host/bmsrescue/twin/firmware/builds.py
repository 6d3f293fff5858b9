"""The unit's firmware for each part it is built for: where its pieces lie, and where the calibration is.

The parts of one die share a build where their flash is as large. There is none for the H730: its flash is one sector.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from bmsrescue.image.contents import Segment
from bmsrescue.image.flash_words import load_segments
from bmsrescue.image.read import WORD_BYTES
from bmsrescue.twin.chip.geometry import FlashGeometry
from bmsrescue.twin.chip.stm32h7 import Stm32H7

from . import CALIBRATION_ADDRESS, CORE_HZ, VERSION, image_bytes

_HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Build:
    """One memory map of the firmware. Beside the map all builds behave alike (README.md)."""

    name: str
    """Of the files: bms-NAME-VERSION.elf; empty for the H725's plain images."""
    calibration_address: int
    core_hz: int
    """What the application runs at."""

    def segments(self, version: str = VERSION) -> list[Segment]:
        """What is in flash, by address; raises FileNotFoundError for a version that was never built."""
        return list(_segments(self.name, version))

    def calibration_sector(self, geometry: FlashGeometry) -> int:
        return (self.calibration_address - geometry.base) // geometry.sector_size

    def application_sectors(self, geometry: FlashGeometry) -> list[int]:
        """All but the calibration's: what an updater erases."""
        return [sector for sector in range(geometry.sectors) if sector != self.calibration_sector(geometry)]


def tail_address(segments: list[Segment]) -> int:
    """The first flash word behind all of them."""
    return -(-max(segment.end for segment in segments) // WORD_BYTES) * WORD_BYTES


@cache
def _segments(name: str, version: str) -> tuple[Segment, ...]:
    if not name:
        return (Segment(0x08000000, image_bytes(version)),)
    path = _HERE / f"bms-{name}-{version}.elf"
    if not path.is_file():
        raise FileNotFoundError(f"no firmware {version} for {name}: {path.name}")
    return tuple(sorted(load_segments(path, None), key=lambda segment: segment.address))


_H72X: Final = Build("", CALIBRATION_ADDRESS, CORE_HZ)
_H74X: Final = Build("h74x", 0x081E0000, CORE_HZ)
_H7AX: Final = Build("h7ax", 0x081FE000, CORE_HZ // 2)
_H7B0: Final = Build("h7b0", 0x0801E000, CORE_HZ // 2)

BUILDS: Final[dict[str, Build]] = {
    "H723": _H72X,
    "H725": _H72X,
    "H733": _H72X,
    "H735": _H72X,
    "H743": _H74X,
    "H753": _H74X,
    "H7A3": _H7AX,
    "H7B0": _H7B0,
    "H7B3": _H7AX,
}
"""By the part's name."""


def firmware_of(chip: Stm32H7) -> Build | None:
    """What runs on this chip; None where nothing was built for it."""
    return BUILDS.get(chip.config.part)
