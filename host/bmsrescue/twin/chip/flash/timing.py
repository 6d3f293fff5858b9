"""How long flash operations take and what they draw (DS13311, flash characteristics; fact sheet section 6)."""

from __future__ import annotations

import random
from typing import Final

from bmsrescue.twin.chip.config import ChipConfig

# By PSIZE: 0 is x8, 1 x16, 2 x32, 3 x64; each (typical, maximum) in microseconds.
PROGRAM_US: Final = ((290, 580), (180, 360), (130, 260), (100, 200))
SECTOR_ERASE_US: Final = (
    (2_000_000, 4_000_000),
    (1_800_000, 3_600_000),
    (1_100_000, 2_200_000),
    (1_000_000, 2_000_000),
)
BANK_ERASE_US: Final = (
    (13_000_000, 26_000_000),
    (8_000_000, 16_000_000),
    (6_000_000, 12_000_000),
    (5_000_000, 10_000_000),
)
SUPPLY_UA: Final = (6_500, 11_500, 20_000, 35_000)

X64: Final = 3
X64_MIN_MV: Final = 1800
"""Below this supply x64 is out of specification."""


class FlashTimer:
    """Draws each operation's time from its span, near typical far more often than near the maximum."""

    def __init__(self, rng: random.Random, config: ChipConfig) -> None:
        self._rng = rng
        self._spread = config.flash_time_spread
        self._option_ms = config.option_change_ms

    def draw_ns(self, span_us: tuple[int, int]) -> int:
        typical_us, maximum_us = span_us
        return int(1000 * (typical_us + (maximum_us - typical_us) * self._spread * self._rng.random() ** 4))

    def option_change_ns(self) -> int:
        shortest_ms, longest_ms = self._option_ms
        return self._rng.randint(shortest_ms * 1_000_000, longest_ms * 1_000_000)
