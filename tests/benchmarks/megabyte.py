"""What is measured, whoever does it: a megabyte, the parts it is written to, and what that cost.

All figures are the twin's own: SWCLK cycles from its counters, time from its virtual clock. Each flash operation takes
its typical time, so that the flash's own time is known: 8 sectors of 1 s and 32768 words of 100 us.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from bmsrescue.twin.board.unit import Unit
from bmsrescue.twin.chip.config import ChipConfig
from bmsrescue.twin.firmware import image_bytes
from bmsrescue.twin.scenarios import find
from bmsrescue.twin.scenarios.scenario import Scenario
from rescuelink.targets import FLASH_BASE

FLASH_BYTES = 1024 * 1024
SECTOR_BYTES = 128 * 1024
CHANGED_SECTOR = 4
ERASE_S = FLASH_BYTES / SECTOR_BYTES * 1.0
PROGRAM_S = FLASH_BYTES / 32 * 100e-6
NS_PER_S = 1_000_000_000
DIGEST_S_PER_MIB = 1.0
"""The most that SHA-256 on the target's core may take, at the 64 MHz it has after a reset."""


def noise(seed: int) -> bytes:
    return random.Random(seed).randbytes(FLASH_BYTES)


def megabyte() -> bytes:
    """The unit's firmware, so that the unit runs afterwards, then noise, as long as the flash."""
    firmware = image_bytes()
    return firmware + noise(1)[len(firmware) :]


def _blank(unit: Unit) -> None:
    for sector in range(unit.chip.flash.geometry.sectors):
        unit.chip.flash.blank(sector)


def _full(unit: Unit) -> None:
    unit.chip.flash.load(FLASH_BASE, noise(2))


def _one_sector_changed(unit: Unit) -> None:
    data = bytearray(megabyte())
    start = CHANGED_SECTOR * SECTOR_BYTES
    data[start : start + SECTOR_BYTES] = noise(3)[:SECTOR_BYTES]
    unit.chip.flash.load(FLASH_BASE, bytes(data))


def _part(name: str, breaks: Callable[[Unit], None]) -> Scenario:
    return Scenario(name, name, "", breaks, "", "", ChipConfig(flash_time_spread=0.0))


HALF_ON = replace(find("half-on"), config=replace(find("half-on").config, flash_time_spread=0.0))
"""The unit of the display that is lit with zeros: an update was cut."""
BLANK = _part("blank part", _blank)
FULL = _part("part full of something else", _full)
CHANGED = _part("part with 1 of 8 sectors changed", _one_sector_changed)


@dataclass(frozen=True)
class Cost:
    """What one piece of work cost. `wall_s` is this machine's, everything else is the same everywhere."""

    swclk_cycles: int
    virtual_s: float
    wall_s: float

    @property
    def per_byte(self) -> float:
        return self.swclk_cycles / FLASH_BYTES

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            self.swclk_cycles + other.swclk_cycles, self.virtual_s + other.virtual_s, self.wall_s + other.wall_s
        )


class Meter:
    """`lap` says what it cost since the last."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self._last = self.now()

    def lap(self) -> Cost:
        before, self._last = self._last, self.now()
        return self.since(before)

    def since(self, before: tuple[int, int, float]) -> Cost:
        """What it has cost since `before`, which `now` gave."""
        cycles, now_ns, wall_s = self.now()
        return Cost(cycles - before[0], (now_ns - before[1]) / NS_PER_S, wall_s - before[2])

    def now(self) -> tuple[int, int, float]:
        return self._unit.chip.counters.swclk_cycles, self._unit.clock.now_ns, time.monotonic()
