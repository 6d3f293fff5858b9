"""TIM2 as a 32-bit time base with one compare channel (RM0468 chapter 42)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from bmsrescue.twin.clock import NEVER_NS, VirtualClock

from .register_block import RegisterBlock

BASE: Final = 0x40000000
CR1: Final = 0x00
DIER: Final = 0x0C
SR: Final = 0x10
EGR: Final = 0x14
CCMR1: Final = 0x18
CCMR2: Final = 0x1C
CNT: Final = 0x24
PSC: Final = 0x28
ARR: Final = 0x2C
CCR1: Final = 0x34

CEN: Final = 1 << 0
UIF: Final = 1 << 0
CC1IF: Final = 1 << 1
UG: Final = 1 << 0
_NS: Final = 1_000_000_000
_STORED: Final = (0x04, 0x08, DIER, CCMR1, CCMR2, 0x20, 0x38, 0x3C, 0x40, 0x60, 0x68)


class Tim2(RegisterBlock):
    """Counts up at kernel clock / (PSC + 1); PSC takes effect at an update event."""

    def __init__(self, clock: VirtualClock, kernel_hz: Callable[[], int]) -> None:
        super().__init__(BASE)
        self._clock = clock
        self._kernel_hz = kernel_hz
        self.reset()

    def reset(self) -> None:
        self._stored = dict.fromkeys(_STORED, 0)
        self._control = 0
        self._status = 0
        self._hz = self._kernel_hz()
        """The kernel clock; it is asked for anew in `Timer.rearm`, as counters are read all the time."""
        self._divide_by(0)
        self._prescaler_preload = 0
        self._auto_reload = 0xFFFFFFFF
        self._compare = 0
        self._base_count = 0
        self._base_ns = self._clock.now_ns

    def _divide_by(self, prescaler: int) -> None:
        self._prescaler = prescaler
        self._scale = _NS * (prescaler + 1)

    def rebase(self) -> None:
        """The kernel clock is about to change: what has been counted so far stays counted."""
        self._status = self._flags()
        counts, ticks = self._control & CEN, self._ticks()
        self._base_count = self._count()
        # The prescaler keeps what it has of the next tick.
        self._base_ns = self._ns_of_tick(ticks) if counts else self._clock.now_ns

    def next_change_ns(self, address: int) -> int:
        offset = address - self.base
        if not self._control & CEN or offset not in (CNT, SR):
            return NEVER_NS
        if offset == CNT:
            return self._ns_of_tick(self._ticks() + 1)
        missing = ~self._flags()
        ticks = [ticks for flag, ticks in self._events() if missing & flag]
        return min(map(self._ns_of_tick, ticks), default=NEVER_NS)

    def read_word(self, offset: int) -> int:
        if offset == CNT:
            return self._count()
        if offset == SR:
            return self._flags()
        own = {CR1: self._control, PSC: self._prescaler_preload, ARR: self._auto_reload, CCR1: self._compare}
        return own[offset] if offset in own else self._stored.get(offset, 0)

    def write_word(self, offset: int, value: int, lanes: int) -> None:
        if offset == PSC:
            self._prescaler_preload = value & 0xFFFF
        elif offset in self._stored:
            self._stored[offset] = self._stored[offset] & ~lanes | value
        else:
            self.rebase()
            self._write_counting(offset, value, lanes)

    def _write_counting(self, offset: int, value: int, lanes: int) -> None:
        if offset == CR1:
            self._control = self._control & ~lanes | value
        elif offset == CNT:
            self._base_count = value
        elif offset == ARR:
            self._auto_reload = value
        elif offset == CCR1:
            self._compare = value
        elif offset == SR:
            self._status &= value
        elif offset == EGR and value & UG:
            self._update()

    def _events(self) -> tuple[tuple[int, int], ...]:
        """Each flag with the tick since the base at which the counter sets it: an overflow, CCR1 reached."""
        turn = self._auto_reload + 1
        return (UIF, turn - self._base_count), (CC1IF, (self._compare - self._base_count - 1) % turn + 1)

    def _flags(self) -> int:
        if not self._control & CEN:
            return self._status
        ticks, status = self._ticks(), self._status
        for flag, tick in self._events():
            if ticks >= tick:
                status |= flag
        return status

    def _ns_of_tick(self, tick: int) -> int:
        return self._base_ns + -(-tick * self._scale // self._hz)

    def _update(self) -> None:
        self._divide_by(self._prescaler_preload)
        self._base_count = 0
        self._base_ns = self._clock.now_ns
        self._status |= UIF

    def _ticks(self) -> int:
        elapsed_ns = self._clock.now_ns - self._base_ns
        return elapsed_ns * self._hz // self._scale if elapsed_ns > 0 else 0

    def _count(self) -> int:
        if not self._control & CEN:
            return self._base_count
        return (self._base_count + self._ticks()) % (self._auto_reload + 1)
