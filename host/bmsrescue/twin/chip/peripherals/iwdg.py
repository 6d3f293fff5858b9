"""The independent watchdog IWDG1 (RM0468, IWDG; docs/reference/chip.md#iwdg, #freeze-halted)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from bmsrescue.twin.chip.rcc_registers import LSI_HZ
from bmsrescue.twin.clock import NEVER_NS, Event, VirtualClock

from .register_block import RegisterBlock

BASE: Final = 0x58004800
KR: Final = 0x00
PR: Final = 0x04
RLR: Final = 0x08
SR: Final = 0x0C
WINR: Final = 0x10

KEY_RELOAD: Final = 0xAAAA
KEY_UNLOCK: Final = 0x5555
KEY_START: Final = 0xCCCC
_RELOAD_RESET: Final = 0xFFF
_NS: Final = 1_000_000_000


class Iwdg(RegisterBlock):
    """``catch_up()`` lets the core run up to now before the watchdog bites; ``bite()`` asks for the reset.

    ``freezes()`` is DBGMCU's bit that stops it while the core is halted. The window is stored, not enforced.
    """

    def __init__(
        self,
        clock: VirtualClock,
        catch_up: Callable[[], None],
        bite: Callable[[], None],
        freezes: Callable[[], bool],
    ) -> None:
        super().__init__(BASE)
        self._clock = clock
        self._catch_up = catch_up
        self._bite = bite
        self._freezes = freezes
        self._event: Event | None = None
        self.reset()

    def reset(self) -> None:
        """Any system reset stops it; a hardware watchdog is started again by ``start``."""
        if self._event is not None:
            self._event.cancel()
            self._event = None
        self._running = False
        self._unlocked = False
        self._prescaler = 0
        self._reload = _RELOAD_RESET
        self._window = _RELOAD_RESET
        self._deadline_ns = NEVER_NS
        self._halted_ns: int | None = None

    @property
    def running(self) -> bool:
        return self._running

    @property
    def timeout_ns(self) -> int:
        divider = 4 << min(self._prescaler, 6)
        return (self._reload + 1) * divider * _NS // LSI_HZ

    def start(self) -> None:
        """By software (KR = 0xCCCC) or, with OPTSR.IWDG1_SW = 0, at every reset. Only a reset stops it again."""
        if not self._running:
            self._running = True
        self._feed()

    def core_halted(self, halted: bool) -> None:
        """The core entered or left debug state: the time in between does not count while frozen."""
        if halted:
            self._halted_ns = self._clock.now_ns
        elif self._halted_ns is not None:
            if self._running and self._freezes():
                self._deadline_ns += self._clock.now_ns - self._halted_ns
                self._arm()
            self._halted_ns = None

    def read_word(self, offset: int) -> int:
        return {PR: self._prescaler, RLR: self._reload, WINR: self._window}.get(offset, 0)

    def write_word(self, offset: int, value: int, lanes: int) -> None:
        if offset == KR:
            key = value & 0xFFFF
            if key != KEY_RELOAD or self._running:
                self._write_key(key)
            else:
                self._unlocked = False
        elif not self._unlocked:
            return
        elif offset == PR:
            self._prescaler = value & 7
        elif offset == RLR:
            self._reload = value & 0xFFF
        elif offset == WINR:
            self._window = value & 0xFFF

    def _write_key(self, key: int) -> None:
        self._unlocked = key == KEY_UNLOCK
        if key == KEY_START:
            self.start()
        elif key == KEY_RELOAD and self._running:
            self._feed()

    def _feed(self) -> None:
        self._deadline_ns = self._clock.now_ns + self.timeout_ns
        if self._halted_ns is not None:
            self._halted_ns = self._clock.now_ns
        # A later deadline needs no new event: the one that is set looks again.
        if self._event is None or self._event.when_ns > self._deadline_ns:
            self._arm()

    def _arm(self) -> None:
        if self._event is not None:
            self._event.cancel()
        self._event = self._clock.at(self._deadline_ns, self._expired)

    def _expired(self) -> None:
        self._event = None
        self._catch_up()
        if not self._running or self._event is not None:
            return
        if self._halted_ns is not None and self._freezes():
            # Frozen since the halt: what was left then is left still.
            left_ns = max(self._deadline_ns - self._halted_ns, 0)
            self._halted_ns = self._clock.now_ns
            self._deadline_ns = self._clock.now_ns + left_ns
        if self._deadline_ns > self._clock.now_ns:
            self._arm()
        else:
            self._bite()
