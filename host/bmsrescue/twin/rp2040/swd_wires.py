"""SWCLK and SWDIO of an emulated helper: driven bits are handed on together, as soon as anybody could see a difference.

An emulator spends more on asking the chip at every edge than on all else. While the helper drives SWDIO the chip only
listens: its bits wait here until the helper lets go of the line, something else happens to the unit, or some
microseconds have passed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from bmsrescue.twin.chip.swd.edges import SwdEdges
from bmsrescue.twin.chip.swd.pins import SwdPins

LONGEST_WAIT_NS: Final = 1_000
_BITS: Final = 64


class WaitingEdges(SwdEdges):
    """before_handing_on: the unit's clock has to follow first. on_waiting: `flush` is asked for in LONGEST_WAIT_NS."""

    def __init__(self, port: SwdPins, before_handing_on: Callable[[], None], on_waiting: Callable[[], None]) -> None:
        super().__init__(port)
        self._before_handing_on = before_handing_on
        self._on_waiting = on_waiting
        self._bits = 0
        self._count = 0

    def swclk(self, level: int) -> None:
        if level and not self._swclk:
            if self._driving:
                if not self._count:
                    self._on_waiting()
                self._bits |= self._swdio << self._count
                self._count += 1
                if self._count == _BITS:
                    self.flush()
            else:
                self._before_handing_on()
                self._port.clock_in(1)
        self._swclk = level

    def drive(self, driving: bool) -> None:
        self.flush()
        super().drive(driving)

    def sample(self) -> int:
        self.flush()
        return super().sample()

    def flush(self) -> None:
        """Hand on what waits."""
        if self._count:
            bits, count = self._bits, self._count
            self._bits = self._count = 0
            self._before_handing_on()
            self._port.clock_out(bits, count)
