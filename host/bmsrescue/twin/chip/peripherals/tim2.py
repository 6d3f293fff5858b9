"""TIM2 as a free-running 32-bit time base (RM0468 chapter 42)."""

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
CNT: Final = 0x24
PSC: Final = 0x28
ARR: Final = 0x2C

CEN: Final = 1 << 0
UIF: Final = 1 << 0
UG: Final = 1 << 0
_NS: Final = 1_000_000_000
_STORED: Final = (0x04, 0x08, DIER, 0x18, 0x1C, 0x20, 0x34, 0x38, 0x3C, 0x40, 0x60, 0x68)


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
        self._prescaler = 0
        self._prescaler_preload = 0
        self._auto_reload = 0xFFFFFFFF
        self._base_count = 0
        self._base_ns = self._clock.now_ns

    def rebase(self) -> None:
        """The kernel clock is about to change: what has been counted so far stays counted."""
        self._base_count = self._count()
        self._base_ns = self._clock.now_ns

    def next_change_ns(self, address: int) -> int:
        if address - self.base != CNT or not self._control & CEN:
            return NEVER_NS
        divider = self._prescaler + 1
        ticks = self._ticks() + 1
        return self._base_ns + -(-ticks * divider * _NS // self._kernel_hz())

    def read_word(self, offset: int) -> int:
        if offset == CNT:
            return self._count()
        own = {CR1: self._control, SR: self._status, PSC: self._prescaler_preload, ARR: self._auto_reload}
        return own[offset] if offset in own else self._stored.get(offset, 0)

    def write_word(self, offset: int, value: int, lanes: int) -> None:
        if offset == CR1:
            self.rebase()
            self._control = self._control & ~lanes | value
        elif offset == CNT:
            self._base_count = value
            self._base_ns = self._clock.now_ns
        elif offset == PSC:
            self._prescaler_preload = value & 0xFFFF
        elif offset == ARR:
            self.rebase()
            self._auto_reload = value
        elif offset == SR:
            self._status &= value
        elif offset == EGR:
            if value & UG:
                self._update()
        elif offset in self._stored:
            self._stored[offset] = self._stored[offset] & ~lanes | value

    def _update(self) -> None:
        self._prescaler = self._prescaler_preload
        self._base_count = 0
        self._base_ns = self._clock.now_ns
        self._status |= UIF

    def _ticks(self) -> int:
        elapsed_ns = max(0, self._clock.now_ns - self._base_ns)
        return elapsed_ns * self._kernel_hz() // (_NS * (self._prescaler + 1))

    def _count(self) -> int:
        if not self._control & CEN:
            return self._base_count
        return (self._base_count + self._ticks()) % (self._auto_reload + 1)
