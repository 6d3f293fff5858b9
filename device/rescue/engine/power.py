# Powers the unit within limits, and proves that it is off again (bms-domain 1.4, 1.5 P0-P2 and 3).
#
# A unit's fault is not an error here: it ends as a `trip` in the evidence, with the power already cut. PowerError is
# raised only where a step that needs power cannot go on.

from rescuelink.errors import PowerError

_SLICE_MS = 4  # one look at the rails while they rise
_PERIOD_MS = 1
_RISE_MV = 20  # less than this, or than a fiftieth, is ripple and not movement
_RISE_PART = 50
_SETTLED_MS = 50  # no rail has moved for this long (bms-domain 3.4)
_AT_LIMIT = 0.9  # of the supply's current limit
_VTREF_LOW_MV = 3000  # bms-domain 3.6
_VTREF_HIGH_MV = 3600
_VTREF_WINDOW_MS = 50
_VTREF_RIPPLE_MV = 100
_BLEED_LOOK_MS = 20
_MINUTE_MS = 60_000
_CHECK_MS = 50  # during long work, a look at the rails no more often than this


class Power:
    """The unit's supply. `trip` tells why it was cut, `rails` holds the last judged window."""

    def __init__(self, ports, limits):
        self._clock = ports.clock
        self._lines = ports.lines
        self._wire = ports.wire
        self._rails = ports.rails
        self._observer = ports.observer
        self.limits = limits
        self._since = None  # ms() at power on
        self._checked = None  # ms() of the last look during long work
        self._starts = []
        self.is_on = False
        self.trip = None
        self.cycles = 0
        self.current_ma = None  # of the supply, at the last look

    def sense_off(self):
        """Rails with everything off and let go, after bleeding. A rail that stays up is a backfeed trip."""
        self._lines.release_all()
        self._wire.release()
        self.is_on = False
        seen = self._wait_discharged()
        for name in seen:
            if seen[name]["mv"] >= self.limits.discharged_mv:
                self._set_trip("backfeed", name, seen[name]["mv"], self.limits.discharged_mv)
                break
        return seen

    def energise(self):
        """Switches on and watches the rails come up. Returns {rail: {mv, min_mv, max_mv}} of the quiet window."""
        self._keep_cycle_rate()
        clock, limits = self._clock, self.limits
        self.trip = None
        self._since = start = clock.ms()
        self._checked = None
        self.cycles += 1
        self.is_on = True
        self._lines.power(True)
        reference = {}
        moved_at = rose_at = start
        while clock.since_ms(start) < limits.rise_ms:
            clock.feed()
            seen = self._rails.capture(_SLICE_MS, _PERIOD_MS)
            current = self.current_ma = self._rails.current_ma()
            if self._over_voltage(seen):
                return _as_evidence(seen)
            now = clock.ms()
            for name in seen:
                # Against where the rail last moved, not the look before: a slow ramp is a movement, too.
                before = reference.get(name, 0)
                change = seen[name][1] - before
                if abs(change) > max(_RISE_MV, before // _RISE_PART):
                    reference[name] = seen[name][1]
                    moved_at = now
                    if change > 0:
                        rose_at = now
            if current is not None:
                in_budget = clock.since_ms(start) < limits.inrush_ms and clock.since_ms(rose_at) < limits.short_ms
                if current > limits.trip_ma and not in_budget:
                    self._set_trip("over-current", "bplus", seen["bplus"][1], limits.trip_ma, current)
                    return _as_evidence(seen)
                if current >= _AT_LIMIT * limits.supply_ma and clock.since_ms(rose_at) >= limits.short_ms:
                    self._set_trip("short", self._lowest_rail(seen), None, limits.supply_ma, current, seen)
                    return _as_evidence(seen)
            if clock.since_ms(moved_at) >= _SETTLED_MS:
                break
        return self.observe(limits.quiet_ms)

    def observe(self, window_ms):
        """Rails over a window, judged against the danger limits. Returns {rail: {mv, min_mv, max_mv}}."""
        seen = self._rails.capture(max(window_ms, _SLICE_MS), 2)
        current = self.current_ma = self._rails.current_ma()
        if not self._over_voltage(seen) and current is not None and current > self.limits.trip_ma:
            self._set_trip("over-current", "bplus", seen["bplus"][1], self.limits.trip_ma, current)
        evidence = _as_evidence(seen)
        self._observer.event("rails", {"rails": evidence, "on": self.is_on, "ma": current})
        return evidence

    def check(self):
        """A quick look during long work. Raises PowerError, with the power cut, when a limit is broken."""
        if not self.is_on:
            raise PowerError("off", "the unit has no power")
        self._clock.feed()
        if self._checked is not None and self._clock.since_ms(self._checked) < _CHECK_MS:
            return
        self._checked = self._clock.ms()
        if self._clock.since_ms(self._since) > self.limits.energise_ms:
            self._set_trip("max-time", "bplus", self._rails.read_mv("bplus"), self.limits.energise_ms)
        else:
            for name in self._rails.names:
                mv = self._rails.read_mv(name)
                if mv > self.limits.rails[name].danger_mv:
                    self._set_trip("over-voltage", name, mv, self.limits.rails[name].danger_mv)
                    break
            current = self._rails.current_ma()
            if self.trip is None and current is not None and current > self.limits.trip_ma:
                self._set_trip("over-current", "bplus", self._rails.read_mv("bplus"), self.limits.trip_ma, current)
            vtref = self._rails.read_mv("v3v3")
            if self.trip is None and not _VTREF_LOW_MV <= vtref <= _VTREF_HIGH_MV:
                self._set_trip("brown-out", "v3v3", vtref, _VTREF_LOW_MV)
        if self.trip is not None:
            raise PowerError(self.trip["kind"], "power was cut: %s on %s" % (self.trip["kind"], self.trip["rail"]))

    def cycle(self):
        """A proven removal and a new start with NRST left as it is; raises PowerError unless 3.3 V is good again."""
        self.off(hold_reset=True)
        rails = self.energise()
        if not self.is_on or not self.vtref_steady():
            raise PowerError("no_vtref", "3.3 V did not come back (%d mV)" % rails["v3v3"]["mv"])

    def vtref_steady(self):
        """Whether the unit's 3.3 V is there and steady, so that its pins may be driven (bms-domain 3.6)."""
        if not self.is_on:
            return False
        low, _, high = self._rails.capture(_VTREF_WINDOW_MS, 2)["v3v3"]
        return low >= _VTREF_LOW_MV and high <= _VTREF_HIGH_MV and high - low <= _VTREF_RIPPLE_MV

    def off(self, hold_reset=False):
        """Switches off and proves it: every rail below the limit, and kept so. Raises PowerError("no_discharge").

        With `hold_reset` NRST stays as it is, so that it can be held low through the next power-on.
        """
        if hold_reset:
            self._wire.release()
            self._lines.boot0(None)
            self._lines.power(False)
            self.is_on = False
        else:
            self.cut()
        seen = self._wait_discharged()
        for name in seen:
            if seen[name]["mv"] >= self.limits.discharged_mv:
                raise PowerError(
                    "no_discharge",
                    "%s stays at %d mV with the power off" % (name, seen[name]["mv"]),
                    next_step="disconnect every cable but the helper",
                )
        self._clock.sleep_ms(self.limits.hold_off_ms)
        return seen

    def cut(self):
        """Everything let go, power off, at once."""
        self._wire.release()
        self._lines.release_all()
        self.is_on = False

    def _wait_discharged(self):
        start = self._clock.ms()
        while True:
            seen = _as_evidence(self._rails.capture(_BLEED_LOOK_MS, 5))
            worst = max(seen[name]["mv"] for name in seen)
            self._observer.event("rails", {"rails": seen, "on": False, "ma": None})
            if worst < self.limits.discharged_mv or self._clock.since_ms(start) >= self.limits.discharge_ms:
                return seen
            self._clock.feed()
            self._clock.sleep_ms(_BLEED_LOOK_MS)

    def _keep_cycle_rate(self):
        # At most so many power cycles a minute (bms-domain 3.9): wait for the oldest to be a minute old.
        starts, clock = self._starts, self._clock
        if len(starts) >= self.limits.cycles_per_minute:
            oldest = starts.pop(0)
            age = clock.since_ms(oldest)
            if age < _MINUTE_MS:
                clock.sleep_ms(_MINUTE_MS - age)
        starts.append(clock.ms())

    def _over_voltage(self, seen):
        for name in seen:
            danger = self.limits.rails[name].danger_mv
            if seen[name][2] > danger:
                self._set_trip("over-voltage", name, seen[name][2], danger)
                return True
        return False

    def _lowest_rail(self, seen):
        # The rail nearest to the supply that does not come up is the overloaded one.
        for name in self._rails.names:
            if name != "v5iso" and seen[name][1] < self.limits.rails[name].low_mv // 2:
                return name
        return "bplus"

    def _set_trip(self, kind, rail, mv, limit, ma=None, seen=None):
        elapsed = 0 if self._since is None else self._clock.since_ms(self._since)
        self.cut()
        if mv is None:
            mv = seen[rail][1]
        self.trip = {"kind": kind, "rail": rail, "mv": mv, "limit": limit, "ms": elapsed, "ma": ma}


def _as_evidence(seen):
    result = {}
    for name in seen:
        low, mean, high = seen[name]
        result[name] = {"mv": mean, "min_mv": low, "max_mv": high}
    return result
