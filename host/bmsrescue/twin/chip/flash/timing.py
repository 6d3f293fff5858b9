"""How long flash operations take: drawn from the spans of ``dies.FlashTimes`` (chip.md#flash-times)."""

from __future__ import annotations

import random
from typing import Final

from bmsrescue.twin.chip.config import ChipConfig

X64: Final = 3
X64_MIN_MV: Final = 1800
"""Below this supply x64 is out of specification."""


class FlashTimer:
    """Draws each operation's time from its span, near typical far more often than near the maximum."""

    def __init__(self, rng: random.Random, config: ChipConfig) -> None:
        self.rng = rng
        self._spread = config.flash_time_spread
        self._option_ms = config.option_change_ms

    def draw_ns(self, span_us: tuple[int, int]) -> int:
        typical_us, maximum_us = span_us
        return int(1000 * (typical_us + (maximum_us - typical_us) * self._spread * self.rng.random() ** 4))

    def option_change_ns(self) -> int:
        shortest_ms, longest_ms = self._option_ms
        return self.rng.randint(shortest_ms * 1_000_000, longest_ms * 1_000_000)
