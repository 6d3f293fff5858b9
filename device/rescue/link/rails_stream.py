# The rails of the unit, told to the host again and again. Loaded while a host wants it.

from micropython import const

_RISING_MS = const(500)  # after the power was switched the rails move: then they are told as often as they can be
_FASTEST_MS = const(10)


class RailsStream:
    """period_ms: between two events "rails"."""

    def __init__(self, period_ms):
        self._period_ms = period_ms
        self._on = None
        self._switched_ms = None  # when the power was switched, as long as that is not long ago
        self._told_ms = None

    def look(self, work):
        """The event when it is due."""
        clock, rails = work.ports.clock, work.ports.rails
        on = work.is_on()
        if on != self._on:
            self._switched_ms = None if self._on is None else clock.ms()
            self._on = on
        elif self._switched_ms is not None and clock.since_ms(self._switched_ms) >= _RISING_MS:
            self._switched_ms = None
        period_ms = self._period_ms if self._switched_ms is None else min(_FASTEST_MS, self._period_ms)
        if self._told_ms is not None and clock.since_ms(self._told_ms) < period_ms:
            return
        self._told_ms = clock.ms()
        seen = {}
        for name in rails.names:
            mv = rails.read_mv(name)
            seen[name] = {"mv": mv, "min_mv": mv, "max_mv": mv}
        work.tell("rails", {"rails": seen, "on": on, "ma": rails.current_ma(), "ms": self._told_ms})
