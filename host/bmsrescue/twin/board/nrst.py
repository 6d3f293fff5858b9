"""The reset net: wired-AND of everybody who may pull it low, a pull-up, and the capacitor that makes it rise slowly.

The chip sees the net, not the pullers: after its own 20 us reset pulse the capacitor keeps it in reset for some
milliseconds more, as on the bench.
"""

from collections.abc import Callable
from math import log

from ..clock import Event, VirtualClock
from .parts import NrstNet

_LOGIC_SUPPLY_V = 1.0  # below this on 3.3 V the pull-up makes no level at all


class NrstLine:
    """Level and falling edges of NRST, with every puller by name."""

    def __init__(self, clock: VirtualClock, parts: NrstNet, tell_chip: Callable[[bool], None]) -> None:
        self._clock = clock
        self._parts = parts
        self._rise_ns = self._rise_time_ns(parts.capacitance_f)
        self._tell_chip = tell_chip
        self._pullers: set[str] = set()
        self._supplied = False
        self._rising: Event | None = None
        self._told_low = False
        self.level = False
        """What a gate on the net reads."""
        self.falling_edges = 0
        """Since the beginning; whoever counts takes the difference."""
        self.stuck_high = False
        """Shorted to 3.3 V: nobody can pull it low."""
        self.supervisor_ns = 0
        """A supervisor on the net keeps it low for so long after 3.3 V has come and after everybody has let go."""
        self._supervised: Event | None = None

    def set_capacitance(self, farads: float | None) -> None:
        """Another capacitor than the usual one, or None for that."""
        self._rise_ns = self._rise_time_ns(self._parts.capacitance_f if farads is None else farads)

    def _rise_time_ns(self, farads: float) -> int:
        return int(-log(1.0 - self._parts.high_fraction) * self._parts.pull_up_ohm * farads * 1e9)

    def pull(self, who: str, low: bool) -> None:
        """`who` pulls the net low, or lets go."""
        if low:
            self._pullers.add(who)
        else:
            self._pullers.discard(who)
        self._update()

    def supply(self, v3v3: float) -> None:
        """The pull-up goes to 3.3 V: without it there is no high level."""
        supplied = v3v3 > _LOGIC_SUPPLY_V
        if supplied != self._supplied:
            self._supplied = supplied
            self._update()

    def _update(self) -> None:
        if self._supplied and (self.stuck_high or not self._pullers):
            if self.stuck_high:
                self._high()
            elif not self.level and self._rising is None and self._supervised is None:
                self._let_rise()
            return
        if self._supervised is not None:
            self._supervised.cancel()
            self._supervised = None
        if self._rising is not None:
            self._rising.cancel()
            self._rising = None
        if self.level:
            self.level = False
            self.falling_edges += 1
        self._tell(True)

    def _let_rise(self) -> None:
        if self.supervisor_ns:
            self._supervised = self._clock.at(self._clock.now_ns + self.supervisor_ns, self._supervisor_lets_go)
        else:
            self._rising = self._clock.at(self._clock.now_ns + self._rise_ns, self._high)

    def _supervisor_lets_go(self) -> None:
        self._supervised = None
        self._rising = self._clock.at(self._clock.now_ns + self._rise_ns, self._high)

    def _high(self) -> None:
        self._rising = None
        self.level = True
        self._tell(False)

    def _tell(self, low: bool) -> None:
        if low != self._told_low:
            self._told_low = low
            self._tell_chip(low)
