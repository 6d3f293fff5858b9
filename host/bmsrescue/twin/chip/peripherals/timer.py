"""Any of the timers: four compare channels, interrupts, one-pulse mode (RM0468 chapters 41 to 45). It counts up.

Inputs, outputs, capture and slave modes are not modelled; the preload of ARR and of the compare registers neither.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from bmsrescue.twin.clock import Event, VirtualClock

from .tim2 import CCMR1, CCR1, CEN, CNT, DIER, EGR, UIF, Tim2

UDIS: Final = 1 << 1
OPM: Final = 1 << 3
COMPARE_FLAGS: Final = 0x1E
_FLAGS: Final = UIF | COMPARE_FLAGS
_CCR: Final = (CCR1, 0x38, 0x3C, 0x40)

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
        self._coming: tuple[tuple[int, int], ...] | None = None
        """What `_events` has found, until a register changes or the counting begins anew."""
        super().__init__(clock, kernel_hz)
        self.base = base

    def reset(self) -> None:
        self._disarm()
        super().reset()
        self._coming = None
        self._auto_reload = self._top
        self._signal()

    def rebase(self) -> None:
        over = self._overflowed()
        super().rebase()
        self._coming = None
        if not over:
            return
        self._divide_by(self._prescaler_preload)
        if self._control & OPM:
            self._control &= ~CEN
            self._base_count = 0

    def rearm(self) -> None:
        """The kernel clock has changed, or what the counter is waited for."""
        self._disarm()
        self._hz = self._kernel_hz()
        if not self._control & CEN:
            return
        wanted = self._stored[DIER] & _FLAGS & ~self._flags()
        ticks = [tick for flag, tick in self._events() if flag & wanted]
        if ticks:
            self._event = self._clock.at(self._ns_of_tick(min(ticks)), self._due)

    # --- bus ----------------------------------------------------------------------------------------------------------

    def read_word(self, offset: int) -> int:
        if offset == CNT and self._control & CEN:
            count = self._base_count + self._ticks()
            if count <= self._auto_reload:
                return count
        if self._overflowed() and (self._control & OPM or self._prescaler != self._prescaler_preload):
            self.rebase()
        return super().read_word(offset)

    def write_word(self, offset: int, value: int, lanes: int) -> None:
        if offset in self._stored:
            self.rebase()
        super().write_word(offset, value, lanes)
        self._coming = None
        if offset == EGR:
            self._status |= value & COMPARE_FLAGS
        self._signal()
        self.rearm()

    # --- flags --------------------------------------------------------------------------------------------------------

    def _events(self) -> tuple[tuple[int, int], ...]:
        if self._coming is None:
            self._coming = self._look_ahead()
        return self._coming

    def _look_ahead(self) -> tuple[tuple[int, int], ...]:
        count, turn = self._base_count, self._auto_reload + 1
        found = [] if self._control & UDIS else [(UIF, turn - count)]
        stored = self._stored
        for channel, offset in enumerate(_CCR):
            value = stored[offset] if channel else self._compare
            if value < turn and not stored[CCMR1 + 4 * (channel // 2)] >> 8 * (channel % 2) & 3:  # no input capture
                found.append((2 << channel, (value - count - 1) % turn + 1))
        return tuple(found)

    def _overflowed(self) -> bool:
        """Since the base time."""
        return bool(self._control & CEN) and self._base_count + self._ticks() > self._auto_reload

    def _signal(self) -> None:
        pending = self._flags() & self._stored[DIER]
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
            self._signal()
            self.rearm()
