"""A watchdog chip beside the MCU: it pulls NRST when its input has seen no edge for too long.

Its input hangs on the line of the run LED, as boards do that have no pin to spare. While 3.3 V is away, and for as long
as it pulls, it does not count.
"""

from collections.abc import Callable

from ..clock import Event, VirtualClock
from .faults import BoardFaults

_MS = 1_000_000


class ExternalWatchdog:
    """Not fitted until `fit` says so."""

    def __init__(self, clock: VirtualClock, pull: Callable[[bool], None]) -> None:
        self._clock = clock
        self._pull = pull
        self._timeout_ns: int | None = None
        self._pulse_ns = 0
        self._off_when_floating = True
        self._supplied = False
        self._level: bool | None = None
        self._event: Event | None = None
        self._pulling = False
        self.bites = 0
        """How often it has pulled since the beginning."""

    def fit(self, faults: BoardFaults) -> None:
        """The watchdog that the board has, or none."""
        self._timeout_ns = None if faults.watchdog_ms is None else int(faults.watchdog_ms * _MS)
        self._pulse_ns = int(faults.watchdog_pulse_ms * _MS)
        self._off_when_floating = faults.watchdog_off_when_floating
        self._count()

    def supply(self, on: bool) -> None:
        """3.3 V has come or gone."""
        if on == self._supplied:
            return
        self._supplied = on
        if not on:
            self._level = None
            self._let_go()
        self._count()

    def edge(self, level: bool | None) -> None:
        """The MCU drives another level, or none any more."""
        self._level = level
        if not self._pulling:
            self._count()

    def _count(self) -> None:
        if self._event is not None:
            self._event.cancel()
            self._event = None
        if self._timeout_ns is None or not self._supplied or (self._level is None and self._off_when_floating):
            self._let_go()
            return
        self._event = self._clock.at(self._clock.now_ns + self._timeout_ns, self._bite)

    def _bite(self) -> None:
        self.bites += 1
        self._pulling = True
        self._pull(True)
        self._event = self._clock.at(self._clock.now_ns + self._pulse_ns, self._pulse_over)

    def _pulse_over(self) -> None:
        self._event = None
        self._let_go()
        self._count()

    def _let_go(self) -> None:
        if self._pulling:
            self._pulling = False
            self._pull(False)
