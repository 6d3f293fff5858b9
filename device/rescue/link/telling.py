# The rails of the unit, told to the host again and again. Loaded while a host wants it.


class Telling:
    """period_ms: between two events "rails"."""

    def __init__(self, period_ms):
        self._period_ms = period_ms
        self._told_ms = None

    def look(self, bench):
        """The event when it is due."""
        clock, rails = bench.ports.clock, bench.ports.rails
        if self._told_ms is not None and clock.since_ms(self._told_ms) < self._period_ms:
            return
        self._told_ms = clock.ms()
        seen = {}
        for name in rails.names:
            mv = rails.read_mv(name)
            seen[name] = {"mv": mv, "min_mv": mv, "max_mv": mv}
        bench.tell("rails", {"rails": seen, "on": bench.is_on(), "ma": rails.current_ma(), "ms": self._told_ms})
