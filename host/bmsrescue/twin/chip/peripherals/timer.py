"""The timers' update and compare events, with their interrupts (RM0468 chapters 41 to 45): counting up only.

Inputs, outputs, capture and slave modes are not modelled; the preload of ARR and of the compare registers neither.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from bmsrescue.twin.clock import NEVER_NS, Event, VirtualClock

from .tim2 import CEN, CNT, CR1, DIER, EGR, SR, UIF, Tim2

UDIS: Final = 1 << 1
OPM: Final = 1 << 3
COMPARE_FLAGS: Final = 0x1E
_FLAGS: Final = UIF | COMPARE_FLAGS
_CCMR: Final = 0x18
_CCR: Final = (0x34, 0x38, 0x3C, 0x40)
_NS: Final = 1_000_000_000

Lines = Sequence[tuple[int, Callable[[bool], None]]]
"""Interrupt lines of a timer: which flags of SR each stands for, and what to call with its level."""


class Timer(Tim2):
    """A counter of ``bits`` bits at ``base``. ``catch_up()`` lets the core run up to now before a flag appears."""

    def __init__(
        self,
        base: int,
        bits: int,
        clock: VirtualClock,
        kernel_hz: Callable[[], int],
        catch_up: Callable[[], None],
        lines: Lines,
    ) -> None:
        self._top = (1 << bits) - 1
        self._catch_up = catch_up
        self._lines = lines
        self._event: Event | None = None
        self._settled = 0
        """Ticks since the base time whose flags are in SR already."""
        super().__init__(clock, kernel_hz)
        self.base = base

    def reset(self) -> None:
        self._disarm()
        super().reset()
        self._auto_reload = self._top
        self._settled = 0
        self._signal()

    def rebase(self) -> None:
        self._settle()
        super().rebase()
        self._settled = 0

    def rearm(self) -> None:
        """The kernel clock has changed, or what the counter is waited for."""
        self._disarm()
        ticks = self._ticks_to(self._stored[DIER] & _FLAGS)
        if ticks is not None:
            self._event = self._clock.at(self._when_ns(ticks), self._due)

    # --- bus ----------------------------------------------------------------------------------------------------------

    def next_change_ns(self, address: int) -> int:
        if address - self.base != SR:
            return super().next_change_ns(address)
        self._settle()
        ticks = self._ticks_to(_FLAGS)
        return NEVER_NS if ticks is None else self._when_ns(ticks)

    def read_word(self, offset: int) -> int:
        self._settle()
        return super().read_word(offset)

    def write_word(self, offset: int, value: int, lanes: int) -> None:
        self._settle()
        super().write_word(offset, value, lanes)
        if offset in (CNT, EGR):
            self._settled = self._ticks()
        if offset == CNT:
            self._base_count = (value & self._top) - self._settled
        elif offset == EGR:
            self._status |= value & COMPARE_FLAGS
        self._signal()
        if offset in (CR1, CNT, EGR, DIER, SR, 0x28, 0x2C, *_CCR):
            self.rearm()

    # --- flags --------------------------------------------------------------------------------------------------------

    def _settle(self) -> None:
        """Take into SR what the counter has reached since the last look."""
        if not self._control & CEN:
            return
        ticks = self._ticks()
        passed = ticks - self._settled
        if passed <= 0:
            return
        reached = 0
        for flag, distance in self._distances():
            if distance <= passed:
                reached |= flag
        self._settled = ticks
        self._status |= reached
        if not reached & UIF:
            return
        if self._control & OPM:
            self._control &= ~CEN
            self._base_count = 0
        elif self._prescaler != self._prescaler_preload:
            super().rebase()
            self._settled = 0
            self._prescaler = self._prescaler_preload

    def _distances(self) -> list[tuple[int, int]]:
        """How many ticks after the last look each flag is set: at the overflow, at each compare value."""
        period = self._auto_reload + 1
        count = (self._base_count + self._settled) % period
        found = [] if self._control & UDIS else [(UIF, period - count)]
        for channel, offset in enumerate(_CCR):
            value = self._stored.get(offset, 0)
            mode = self._stored.get(_CCMR + 4 * (channel // 2), 0) >> 8 * (channel % 2) & 3
            if mode == 0 and value <= self._auto_reload:
                found.append((2 << channel, (value - count - 1) % period + 1))
        return found

    def _ticks_to(self, wanted: int) -> int | None:
        """Ticks since the base time at which the first of the wanted flags that is not set yet will be."""
        wanted &= ~self._status
        if not self._control & CEN or not wanted:
            return None
        distances = [distance for flag, distance in self._distances() if flag & wanted]
        return self._settled + min(distances) if distances else None

    def _when_ns(self, ticks: int) -> int:
        return self._base_ns + -(-ticks * (self._prescaler + 1) * _NS // max(self._kernel_hz(), 1))

    def _signal(self) -> None:
        pending = self._status & self._stored[DIER]
        for flags, line in self._lines:
            line(bool(pending & flags))

    def _disarm(self) -> None:
        if self._event is not None:
            self._event.cancel()
            self._event = None

    def _due(self) -> None:
        self._event = None
        self._catch_up()
        # The core may have set it anew on the way here.
        if self._event is None:
            self._settle()
            self._signal()
            self.rearm()
