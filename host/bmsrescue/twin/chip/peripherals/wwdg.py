"""The window watchdog WWDG1 (RM0468, WWDG): it bites when fed too late, and when fed too early."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from bmsrescue.twin.clock import Event, VirtualClock

from .register_block import RegisterBlock

BASE: Final = 0x50003000
CR: Final = 0x00
CFR: Final = 0x04
SR: Final = 0x08

WDGA: Final = 1 << 7
T_MASK: Final = 0x7F
T6: Final = 0x40
EWIF: Final = 1 << 0
_CFR_WRITABLE: Final = 0x3A7F
_PRESCALER_SHIFT: Final = 11
_STEP_CYCLES: Final = 4096
_NS: Final = 1_000_000_000


class Wwdg(RegisterBlock):
    """`bite()` asks for the reset, `catch_up()` lets the core run up to now before it.

    `hz()` is the clock of its bus, `freezes()` DBGMCU's bit that stops it while the core is halted.
    """

    def __init__(
        self,
        clock: VirtualClock,
        hz: Callable[[], int],
        catch_up: Callable[[], None],
        bite: Callable[[], None],
        freezes: Callable[[], bool],
    ) -> None:
        super().__init__(BASE)
        self._clock = clock
        self._hz = hz
        self._catch_up = catch_up
        self._bite = bite
        self._freezes = freezes
        self._event: Event | None = None
        self.reset()

    def reset(self) -> None:
        """Any system reset stops it."""
        self._disarm()
        self._running = False
        self._count = T_MASK
        self._configuration = T_MASK
        self._since_ns = 0
        self._frozen_ns: int | None = None

    def core_halted(self, halted: bool) -> None:
        """The core entered or left debug state: frozen, it does not count in between."""
        if halted:
            if self._freezes():
                self.rebase()
                self._frozen_ns = self._clock.now_ns
                self._disarm()
        elif self._frozen_ns is not None:
            self._frozen_ns = None
            self._since_ns = self._clock.now_ns
            self._arm()

    def rebase(self) -> None:
        """The clock is about to change: what was counted so far is counted at the old rate."""
        if self._running and self._frozen_ns is None:
            self._count = self._now()
            self._since_ns = self._clock.now_ns

    def rearm(self) -> None:
        """The clock has changed."""
        self._arm()

    def read_word(self, offset: int) -> int:
        if offset == CR:
            return self._now() | (WDGA if self._running else 0)
        if offset == CFR:
            return self._configuration
        return EWIF if offset == SR and self._running and self._now() <= T6 else 0

    def write_word(self, offset: int, value: int, lanes: int) -> None:
        if offset == CR:
            self._write_control(value)
        elif offset == CFR:
            self.rebase()
            self._configuration = value & _CFR_WRITABLE
            self._arm()

    def _write_control(self, value: int) -> None:
        fed_early = self._running and self._now() > self._configuration & T_MASK
        self._running = self._running or bool(value & WDGA)
        self._count = value & T_MASK
        self._since_ns = self._clock.now_ns
        if self._running and (fed_early or not value & T6):
            self._disarm()
            self._bite()
        else:
            self._arm()

    def _step_ns(self) -> int:
        cycles = _STEP_CYCLES << (self._configuration >> _PRESCALER_SHIFT & 7)
        return cycles * _NS // max(self._hz(), 1)

    def _now(self) -> int:
        if not self._running or self._frozen_ns is not None:
            return self._count
        return max(self._count - (self._clock.now_ns - self._since_ns) // self._step_ns(), 0)

    def _disarm(self) -> None:
        if self._event is not None:
            self._event.cancel()
            self._event = None

    def _arm(self) -> None:
        self._disarm()
        if self._running and self._frozen_ns is None:
            steps = max(self._count - (T6 - 1), 0)
            self._event = self._clock.at(self._since_ns + steps * self._step_ns(), self._expired)

    def _expired(self) -> None:
        self._event = None
        since_ns, count = self._since_ns, self._count
        self._catch_up()
        # The core may have fed it on the way here.
        if self._event is None and (since_ns, count) == (self._since_ns, self._count):
            self._bite()
