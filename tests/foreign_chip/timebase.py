"""What time it is on the silicon: the wall clock or the SWCLK counter, with flash made faster by a factor."""

from __future__ import annotations

import time

NOMINAL_SWCLK_HZ = 4_000_000


class TimeBase:
    """`core_s` is the chosen clock; `now_s` runs `scale` times as fast (20: a one-second erase lasts 50 ms)."""

    def __init__(self, source: str, scale: float) -> None:
        self._by_swclk = source == "swclk"
        self._scale = scale
        self._origin = time.monotonic()
        self.swclk_cycles = 0

    def now_s(self) -> float:
        return self.core_s() * self._scale

    def core_s(self) -> float:
        if self._by_swclk:
            return self.swclk_cycles / NOMINAL_SWCLK_HZ
        return self.wall_s()

    def wall_s(self) -> float:
        return time.monotonic() - self._origin
