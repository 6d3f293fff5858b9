"""The SysTick timer, counted from the core's cycles (DDI0403E B3.3)."""

from __future__ import annotations

from collections.abc import Callable

from bmsrescue.twin.chip.core import regs as r

_MASK = 0x00FFFFFF
_REFERENCE_DIVIDER = 8
"""Without CLKSOURCE the counter runs from HCLK/8 on the H7."""


class SysTick:
    """A down counter. ``cycles()`` gives the core's cycle count, ``pend()`` makes exception 15 pending."""

    def __init__(self, cycles: Callable[[], int], pend: Callable[[], None]) -> None:
        self._cycles = cycles
        self._pend = pend
        self.reset()

    def reset(self) -> None:
        self._control = 0
        self._reload = 0
        self._value = 0
        self._at = 0
        self._countflag = False
        self.counts = False
        """While it does not, it need not be told of the time (`catch_up`)."""

    def read(self, address: int) -> int:
        self.catch_up()
        if address == r.SYST_CSR:
            value = self._control | (r.SYST_COUNTFLAG if self._countflag else 0)
            self._countflag = False
            return value
        if address == r.SYST_RVR:
            return self._reload
        if address == r.SYST_CVR:
            return self._value
        return 0

    def write(self, address: int, value: int) -> None:
        self.catch_up()
        if address == r.SYST_CSR:
            self._control = value & (r.SYST_ENABLE | r.SYST_TICKINT | r.SYST_CLKSOURCE)
            self.counts = bool(value & r.SYST_ENABLE)
        elif address == r.SYST_RVR:
            self._reload = value & _MASK
        elif address == r.SYST_CVR:
            self._value = 0
            self._countflag = False

    def cycles_to_interrupt(self) -> int | None:
        """Cycles until the counter next reaches zero with its interrupt on, or None."""
        return self._cycles_to_zero() if self._control & r.SYST_TICKINT else None

    def cycles_to_flag(self) -> int | None:
        """Cycles until COUNTFLAG can be read, or None while nothing counts."""
        cycles = self._cycles_to_zero()
        return 0 if self._countflag else cycles

    def _cycles_to_zero(self) -> int | None:
        if not self._control & r.SYST_ENABLE or not self._reload:
            return None
        self.catch_up()
        ticks = self._value or self._reload + 1
        return ticks * self._divider() - (self._cycles() - self._at)

    def catch_up(self) -> None:
        """Count what has passed since the last look; wrapping sets COUNTFLAG and pends the interrupt."""
        now = self._cycles()
        if not self.counts:
            self._at = now
            return
        divider = self._divider()
        ticks = (now - self._at) // divider
        self._at += ticks * divider
        if not ticks or not self._reload:
            return
        if self._value == 0:
            self._value = self._reload
            ticks -= 1
        if ticks < self._value:
            self._value -= ticks
            return
        beyond = (ticks - self._value) % (self._reload + 1)
        self._value = self._reload + 1 - beyond if beyond else 0
        self._countflag = True
        if self._control & r.SYST_TICKINT:
            self._pend()

    def _divider(self) -> int:
        return 1 if self._control & r.SYST_CLKSOURCE else _REFERENCE_DIVIDER
