"""Where things lie in a unit's flash: bootloader, application, what the job owns, the unit's own data."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Final

from bmsrescue.twin.chip.geometry import FLASH_BASE, FlashGeometry
from bmsrescue.twin.chip.parts import PARTS

PART_SHARES: Final[dict[str, int]] = {"H7B0": 62, "H730": 26, "H725": 9, "H743": 3}
"""Small parts mostly: what is wrong with a unit does not depend on how much flash it has, the time of a run does."""

_KIB: Final = 1024


@dataclass(frozen=True)
class Area:
    name: str
    address: int
    length: int

    @property
    def end(self) -> int:
        return self.address + self.length

    def holds(self, address: int) -> bool:
        return self.address <= address < self.end


@dataclass(frozen=True)
class Layout:
    part: str
    application: Area
    """Where an image may lie."""
    second: Area | None
    """Where a second segment of the image lies, if it has one."""
    bootloader: Area | None
    flag_address: int | None
    own: tuple[Area, ...]
    """The unit's own data: calibration, history. Some of it may lie in a sector of the application."""
    boot_address: int = FLASH_BASE
    """What BOOT_ADD0 of a unit in order says: bootloader or application."""

    @property
    def geometry(self) -> FlashGeometry:
        return PARTS[self.part].geometry

    def sector_of(self, address: int) -> int:
        return (address - FLASH_BASE) // self.geometry.sector_size

    def sectors_of(self, address: int, length: int) -> range:
        return range(self.sector_of(address), self.sector_of(address + length - 1) + 1)


def draw_layout(rng: Random) -> Layout:
    """A layout on some part."""
    part = rng.choices(list(PART_SHARES), list(PART_SHARES.values()))[0]
    if part == "H7B0":
        return _eight_kib(rng, part)
    if part == "H730":
        return _one_sector(rng, part)
    return _large_sectors(rng, part)


def _eight_kib(rng: Random, part: str) -> Layout:
    sector = 8 * _KIB
    bootloader = flag = None
    start = 0
    if rng.random() < 0.35:
        bootloader = Area("bootloader", FLASH_BASE, sector * rng.choice((1, 2)))
        start = bootloader.length
        flag = FLASH_BASE + 13 * sector
    elif rng.random() < 0.12:
        start = 64 * _KIB  # no bootloader: the option bytes boot the application there
    application = Area("application", FLASH_BASE + start, 12 * sector - start)
    second = Area("tables", FLASH_BASE + 9 * sector, 2 * sector) if rng.random() < 0.25 else None
    own = [Area("calibration", FLASH_BASE + 15 * sector, rng.choice((120, 512, 2048)))]
    if rng.random() < 0.5:
        own.append(Area("history", FLASH_BASE + 14 * sector, rng.choice((1024, 4096, sector))))
    boot = FLASH_BASE if bootloader is not None else application.address
    return Layout(part, application, second, bootloader, flag, tuple(own), boot)


def _one_sector(rng: Random, part: str) -> Layout:
    application = Area("application", FLASH_BASE, 96 * _KIB)
    own = [Area("calibration", FLASH_BASE + 124 * _KIB, rng.choice((256, 1024)))]
    if rng.random() < 0.3:
        own.append(Area("history", FLASH_BASE + 112 * _KIB, 2048))
    return Layout(part, application, None, None, None, tuple(own))


def _large_sectors(rng: Random, part: str) -> Layout:
    sector = 128 * _KIB
    count = PARTS[part].geometry.sectors
    bootloader = flag = None
    start = 0
    if rng.random() < 0.35:
        bootloader, start = Area("bootloader", FLASH_BASE, sector), sector
        flag = FLASH_BASE + 4 * sector
    application = Area("application", FLASH_BASE + start, 2 * sector)
    second = Area("tables", application.end, sector) if rng.random() < 0.4 else None
    own = [Area("calibration", FLASH_BASE + (count - 1) * sector, rng.choice((256, 4096)))]
    if bootloader is None and rng.random() < 0.3:
        own.append(Area("serial", FLASH_BASE + sector - 4096, 512))  # at the end of the application's first sector
    return Layout(part, application, second, bootloader, flag, tuple(own))
