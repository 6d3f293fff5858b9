# The unit's supply: what is known of it, the look at it during long work, and the cut. Switching it on and the proof
# that it is off are in power_cycle.py, which is in the heap for those moments only.
#
# A unit's fault is not an error here: it ends as a `trip` in the evidence, with the power already cut. PowerError is
# raised only where a step that needs power cannot go on.

from rescuelink.errors import PowerError

RAILS = ("bplus", "v12", "v5iso", "v3v3", "vcap")  # of a helper that sees them all
_VTREF_LOW_MV = 3000  # docs/reference/unit.md#vtref
_VTREF_HIGH_MV = 3600
_VTREF_WINDOW_MS = 50
_VTREF_RIPPLE_MV = 100
_CHECK_MS = 50  # during long work, a look at the rails no more often than this


class Power:
    """The unit's supply. `trip` tells why it was cut."""

    def __init__(self, ports, limits):
        self.ports = ports
        self.limits = limits
        self.started_ms = None  # ms() at power on
        self.starts = []  # of the last minute
        self.is_on = False
        self.trip = None
        self.cycles = 0
        self.current_ma = None  # of the supply, at the last look
        self.checked = None  # ms() of the last look during long work
        self.zero = None  # what the ADC reads at 0 V: {"raw", "by"}, once measured
        self.fell = []  # the rails that the last off() has seen fall
        self.button = False  # the unit's button is held while the unit is on: its latch does not hold by itself
        self.say = _say_nothing  # one line for whoever looks at the display

    def sense_off(self):
        """Rails with everything off and let go, after bleeding. A rail that stays up is a backfeed trip."""
        from rescue.engine.unit import power_cycle

        return power_cycle.sense_off(self)

    def energise(self):
        """Switches on and watches the rails come up. Returns {rail: {mv, min_mv, max_mv}} of the quiet window."""
        from rescue.engine.unit import power_cycle

        return power_cycle.energise(self)

    def observe(self, window_ms):
        """Rails over a window, judged against the danger limits. Returns {rail: {mv, min_mv, max_mv}}."""
        from rescue.engine.unit import power_cycle

        return power_cycle.observe(self, window_ms)

    def off(self, hold_reset=False):
        """Switches off and proves it: every rail below the limit, and kept so. Raises PowerError("no_discharge").

        With `hold_reset` NRST stays as it is, so that it can be held low through the next power-on.
        """
        from rescue.engine.unit import power_cycle

        return power_cycle.off(self, hold_reset)

    def cycle(self):
        """A proven removal and a new start with NRST left as it is; raises PowerError unless 3.3 V is good again."""
        self.off(hold_reset=True)
        rails = self.energise()
        if not self.is_on or not self.vtref_steady():
            raise PowerError("no_vtref", "3.3 V did not come back (%d mV)" % rails.get("v3v3", {"mv": 0})["mv"])

    def check(self):
        """A quick look during long work. Raises PowerError, with the power cut, when a limit is broken."""
        if not self.is_on:
            raise PowerError("off", "the unit has no power")
        clock, rails, limits = self.ports.clock, self.ports.rails, self.limits
        clock.feed()
        if self.checked is not None and clock.since_ms(self.checked) < _CHECK_MS:
            return
        self.checked = clock.ms()
        if clock.since_ms(self.started_ms) > limits.energise_ms:
            self.set_trip("max-time", "bplus", self._supply_mv(), limits.energise_ms)
        else:
            for name in rails.names:
                mv = rails.read_mv(name)
                if mv > limits.rails[name].danger_mv:
                    self.set_trip("over-voltage", name, mv, limits.rails[name].danger_mv)
                    break
            current = rails.current_ma()
            if self.trip is None and current is not None and current > limits.trip_ma:
                self.set_trip("over-current", "bplus", self._supply_mv(), limits.trip_ma, current)
            vtref = rails.read_mv("v3v3") if "v3v3" in rails.names else 0
            if self.trip is None and not _VTREF_LOW_MV <= vtref <= _VTREF_HIGH_MV:
                self.set_trip("brown-out", "v3v3", vtref, _VTREF_LOW_MV)
        if self.trip is not None:
            raise PowerError(self.trip["kind"], "power was cut: %s on %s" % (self.trip["kind"], self.trip["rail"]))

    def _supply_mv(self):
        # None where the helper has no wire to B+.
        rails = self.ports.rails
        return rails.read_mv("bplus") if "bplus" in rails.names else None

    def let_go_button(self):
        """The unit's button is no longer held, now and at the next power-on."""
        self.button = False
        self.ports.lines.unit_button(False)

    def vtref_steady(self):
        """Whether the unit's 3.3 V is there and steady, so that its pins may be driven. Unseen it never is."""
        if not self.is_on or "v3v3" not in self.ports.rails.names:
            return False
        low, _, high = self.ports.rails.capture(_VTREF_WINDOW_MS, 2)["v3v3"]
        return low >= _VTREF_LOW_MV and high <= _VTREF_HIGH_MV and high - low <= _VTREF_RIPPLE_MV

    def cut(self):
        """Everything let go, power off, at once."""
        self.ports.wire.release()
        self.ports.lines.release_all()
        self.is_on = False

    def set_trip(self, kind, rail, mv, limit, ma=None):
        """Cuts the power, and keeps why."""
        elapsed = 0 if self.started_ms is None else self.ports.clock.since_ms(self.started_ms)
        self.cut()
        self.trip = {"kind": kind, "rail": rail, "mv": mv, "limit": limit, "ms": elapsed, "ma": ma}


def _say_nothing(_text):
    pass
