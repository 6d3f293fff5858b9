# Resets of the unit that nobody of us made, while the work goes on: falling edges of NRST from the map to the proof,
# without those that resets of ours make. A supervisor or a watchdog that fires seldom shows itself only here.

_TRIES = 6  # of work that such a reset has spoilt, until some of it is done
_MOST = 40  # of them in one run: a sector of 128 KiB is done in one or two
_LONGEST_MS = 180_000  # from the first reset on: 2 MiB are done in a third of that


class Resets:
    """count: how many; fresh: there was one since this was last asked for."""

    silent_ms = None  # so long after power-on the chip's supply goes away while no firmware runs (unit/silent.py)

    def __init__(self, ports):
        self._ports = ports
        self._own = None  # system resets of ours that are known; None: nothing is counted
        self._first_ms = self._last_ms = None
        self._tries = 0
        self._all = 0
        self.count = 0
        self.fresh = False

    def begin(self, core):
        """From now on; what has come since the last look is not counted."""
        self._ports.lines.nrst_edges()
        self._own = core.resets

    def again(self, core):
        """begin(), where it was counted: what we have just done to the unit is not."""
        if self._own is not None:
            self.begin(core)

    def end(self):
        self._own = None

    def look(self, target):
        if self._own is None or target is None:
            return
        own, self._own = self._own, target.core.resets
        edges = self._ports.lines.nrst_edges() - (self._own - own)
        if edges > 0:
            self._last_ms = self._ports.clock.ms()
            if self._first_ms is None:
                self._first_ms = self._last_ms
            self.count += edges
            self.fresh = True
            target.core.reset_halted = False

    def progressed(self):
        """What was under way is done: a unit that is reset every second or two is cured piece by piece."""
        self._tries = 0

    def spoilt(self):
        """(whether one spoilt the work that has just failed, whether it may be done again: not for ever)"""
        fresh, self.fresh = self.fresh, False
        return fresh, self.spend() if fresh else self._tries <= _TRIES

    def spend(self):
        """One more try: False where there were too many with nothing done."""
        self._tries += 1
        self._all += 1
        if self._first_ms is not None and self._ports.clock.since_ms(self._first_ms) > _LONGEST_MS:
            return False
        return self._tries <= _TRIES and self._all <= _MOST

    def found(self):
        """evidence["nrst"]["later"]: {"edges", "period_ms": None with one}"""
        period_ms = None
        if self.count > 1:
            period_ms = (self._last_ms - self._first_ms) // (self.count - 1)
        return {"edges": self.count, "period_ms": period_ms}
