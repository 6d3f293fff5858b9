# The unit's supply: what is known of it, the look at it during long work, and the cut. Switching it on and the proof
# that it is off are in unit/power_cycle.py, which is in the heap for those moments only.
#
# A unit's fault is not an error here: it ends as a `trip` in the evidence, with the power already cut. PowerError is
# raised only where a step that needs power cannot go on.

from rescuelink.dead_rails import INPUT, LOGIC
from rescuelink.errors import PowerError

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
        self.curve = None  # an empty list asks for the rails as they rise: (ms, captured rails), few of them
        self.button = False  # the unit's button is held while the unit is on: its latch does not hold by itself
        self.say = _say_nothing  # one line for whoever looks at the display

    def can_switch(self):
        """Whether the unit's supply can be taken away and given back."""
        return "power" not in self.ports.missing

    def by_hand(self):
        """Whether a person does that (by_hand.py)."""
        hands = self.ports.hands
        return hands is not None and hands.switches

    def seen(self, role):
        """The unit's rail of that role where this helper has a wire to it, else None."""
        name = self.limits.roles.get(role)
        return name if name in self.ports.rails.names else None

    def unseen(self):
        """The unit's rails that this helper has no wire to, from the input on."""
        roles, names = self.limits.roles, []
        for role in ("input", "between", "logic", "core"):
            if role in roles:
                names.append(roles[role])
        names += [name for name in sorted(self.limits.rails) if name not in names]
        return [name for name in names if name not in self.ports.rails.names]

    def cycle(self):
        """power_cycle.cycle(), to be called by whoever needs the supply removed (debug/connect.py)."""
        from rescue.engine.unit import power_cycle

        power_cycle.cycle(self)

    def check(self):
        """A quick look during long work. Raises PowerError, with the power cut, when a limit is broken."""
        if not self.is_on:
            raise PowerError("off", "the unit has no power")
        clock, rails, limits = self.ports.clock, self.ports.rails, self.limits
        clock.feed()
        if self.checked is not None and clock.since_ms(self.checked) < _CHECK_MS:
            return
        self.checked = clock.ms()
        switches = self.can_switch() and not self.by_hand()
        if switches and clock.since_ms(self.started_ms) > limits.energise_ms:
            self.trip_supply("max-time", limits.energise_ms)
        else:
            logic, vtref = self.seen(LOGIC), None
            for name in rails.names:
                danger_mv = limits.danger_mv(name)
                if danger_mv is None and name != logic:
                    continue
                mv = rails.read_mv(name, True)
                if name == logic:
                    vtref = mv
                if danger_mv is not None and mv > danger_mv:
                    self.set_trip("over-voltage", name, mv, danger_mv)
                    break
            current = rails.current_ma()
            if self.trip is None and current is not None and current > limits.trip_ma:
                self.trip_supply("over-current", limits.trip_ma, current)
            if self.trip is None and vtref is not None and not _VTREF_LOW_MV <= vtref <= _VTREF_HIGH_MV:
                self.set_trip("brown-out", logic, vtref, _VTREF_LOW_MV)
        if self.trip is not None:
            done = "power was cut" if switches else "everything was let go"
            raise PowerError(self.trip["kind"], "%s: %s on %s" % (done, self.trip["kind"], self.trip["rail"]))

    def trip_supply(self, kind, limit, ma=None):
        """As set_trip(), of the unit's supply; its mV None where the helper has no wire to it."""
        name = self.seen(INPUT)
        mv = None if name is None else self.ports.rails.read_mv(name)
        self.set_trip(kind, self.limits.roles.get(INPUT, "supply"), mv, limit, ma)

    def let_go_button(self):
        """The unit's button is no longer held, now and at the next power-on."""
        self.button = False
        self.ports.lines.unit_button(False)

    def vtref_steady(self):
        """Whether the chip's supply is there and steady, so that its pins may be driven. Where no wire goes to it, the
        chip has to hold NRST or SWDIO high by itself; where the helper cannot look at those either, nobody can say."""
        name = self.seen(LOGIC)
        if not self.is_on:
            return False
        if name is None:
            from rescue.engine.unit import power_cycle

            return power_cycle.holds_a_line(self.ports)
        low, _, high = self.ports.rails.capture(_VTREF_WINDOW_MS, 2)[name]
        return low >= _VTREF_LOW_MV and high <= _VTREF_HIGH_MV and high - low <= _VTREF_RIPPLE_MV

    def is_gone(self):
        """Whether the chip's supply has gone away in the work; then the power is cut, and `trip` says so."""
        name = self.seen(LOGIC)
        if self.trip is None and self.is_on and name is not None:
            mv, limit_mv = self.ports.rails.read_mv(name), self.limits.rails[name].low_mv
            if mv < limit_mv // 2:
                self.set_trip("brown-out", name, mv, limit_mv)
        return self.trip is not None and self.trip["kind"] == "brown-out"

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
