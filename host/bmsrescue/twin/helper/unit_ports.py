"""The calls for time, single lines, rails and events: what the helper's other pins do to the unit on the bench."""

import json
import struct
from collections.abc import Callable

from bmsrescue.twin.board.faults import HelperTraits
from bmsrescue.twin.clock import Event, VirtualClock
from bmsrescue.twin.helper.adc import (
    CAPTURE_NS,
    CAPTURE_SAMPLES,
    DIVIDERS,
    QUICK,
    READING_NS,
    READING_SAMPLES,
    REFERENCE_MV,
    RailAdc,
)
from bmsrescue.twin.helper.micropython import twin_opcodes as op
from bmsrescue.twin.helper.panel import keep
from bmsrescue.twin.helper.rpc import Refused, Reply
from bmsrescue.twin.helper.wired_unit import DebugWire, WiredUnit

_MS = 1_000_000
# Reading the time takes a MicroPython call on the board; it also makes every wait loop end.
_CLOCK_READ_NS = op.LOOK_US * 1000
# The RP2040's watchdog cannot wait longer than this.
_SWITCHED_ON_BEFORE_NS = 2_000 * _MS  # by somebody else, on a unit that the helper cannot switch
WATCHDOG_NS = 8_388 * _MS
_FEED_EVERY_NS = 1_000 * _MS


class ClockPort:
    """The calls `CLOCK_*`, and the helper's watchdog: it starts at the first feed and cannot be stopped."""

    def __init__(self, clock: VirtualClock, on_wait: Callable[[int], None] | None = None) -> None:
        self._clock = clock
        self._on_wait = on_wait
        self.on_fed: Callable[[], object] = lambda: None
        """Told when the watchdog is fed along with another call."""
        self._bite: Event | None = None
        self.bitten = False

    def us(self, _small: int, _number: int, _wide: int, _payload: bytes) -> Reply:
        self._look(1)
        return self.now_us()

    def now_us(self) -> int:
        """Virtual time since start, without a look's own."""
        return self._clock.now_ns // 1000

    def looked(self, looks: int, fed: int) -> None:
        """The agent has looked so often since its last call, and fed the watchdog (see twin_opcodes.py)."""
        if fed:
            self.on_fed()
            self._look(fed - 1)
            self.feed(0, 0, 0, b"")
            looks -= fed - 1
        self._look(looks)

    def _look(self, looks: int) -> None:
        for _ in range(looks):
            self._clock.advance(_CLOCK_READ_NS)
            self._check()

    def sleep_us(self, small: int, _number: int, wide: int, _payload: bytes) -> Reply:
        remaining_ns = wide * 1000
        if self._on_wait:
            self._on_wait(remaining_ns)
        while remaining_ns > 0:
            slice_ns = min(remaining_ns, _FEED_EVERY_NS)
            self._clock.advance(slice_ns)
            remaining_ns -= slice_ns
            self._check()
            if small and self._bite:
                self._arm()
        return 0

    def feed(self, _small: int, _number: int, _wide: int, _payload: bytes) -> Reply:
        self._check()
        self._arm()
        return 0

    def stop(self) -> None:
        """The run is over."""
        if self._bite:
            self._bite.cancel()

    def _arm(self) -> None:
        if self._bite:
            self._bite.cancel()
        self._bite = self._clock.at(self._clock.now_ns + WATCHDOG_NS, self._expire)

    def _expire(self) -> None:
        self.bitten = True

    def _check(self) -> None:
        if self.bitten:
            raise WatchdogBite


class WatchdogBite(Exception):
    """The agent did not feed the helper's watchdog in time: the board resets."""


class LinesPort:
    """The calls `LINE_*`."""

    def __init__(self, unit: WiredUnit, wire: DebugWire) -> None:
        self._unit = unit
        self._wire = wire
        self._falls_seen = unit.nrst_falls
        self._missing = missing_parts(unit)
        self.powered = False
        self.power_ons = 0
        if "power" in self._missing:
            unit.set_power(True)
            unit.clock.advance(_SWITCHED_ON_BEFORE_NS)

    def power(self, small: int, _number: int, _wide: int, _payload: bytes) -> Reply:
        on = bool(small)
        if "power" in self._missing:
            return 0
        self.power_ons += on and not self.powered
        self.powered = on
        self._unit.set_power(on)
        return 0

    def nrst(self, small: int, _number: int, _wide: int, _payload: bytes) -> Reply:
        if "nrst" not in self._missing:
            self._unit.set_nrst(bool(small))
        return 0

    def nrst_level(self, _small: int, _number: int, _wide: int, _payload: bytes) -> Reply:
        if "nrst" in self._missing:
            return 1
        return int(self._unit.nrst_level)

    def nrst_edges(self, _small: int, _number: int, _wide: int, _payload: bytes) -> Reply:
        falls = self._unit.nrst_falls
        new, self._falls_seen = falls - self._falls_seen, falls
        return 0 if "nrst" in self._missing else new

    def boot0(self, small: int, _number: int, _wide: int, _payload: bytes) -> Reply:
        if "boot0" not in self._missing:
            self._unit.set_boot0(None if small == op.RELEASED else bool(small))
        return 0

    def pulled(self, small: int, _number: int, _wide: int, _payload: bytes) -> Reply:
        if "pulls" in self._missing:
            raise Refused("this helper has no weak pulls")
        swdio, swclk = self._unit.swd_levels(bool(small))
        return swdio | swclk << 1

    def button(self, small: int, _number: int, _wide: int, _payload: bytes) -> Reply:
        if "unit_button" not in self._missing:
            self._unit.press_button(bool(small))
        return 0

    def release_all(self, _small: int, _number: int, _wide: int, _payload: bytes) -> Reply:
        self.make_safe()
        return 0

    def make_safe(self) -> None:
        """What the board's pull resistors do when the helper resets or loses its supply."""
        self._wire.release()
        self.powered = False
        if "power" not in self._missing:
            self._unit.set_power(False)
        self._unit.set_nrst(False)
        self._unit.set_boot0(None)
        self._unit.press_button(False)


def missing_parts(unit: WiredUnit) -> frozenset[str]:
    """The parts that the helper of this bench does without. Only the twin's own unit says so."""
    traits: HelperTraits | None = getattr(unit, "helper_traits", None)
    return frozenset() if traits is None else traits.missing_parts


class RailsPort:
    """The calls `RAIL_*`, through dividers and the helper's ADC."""

    def __init__(
        self,
        unit: WiredUnit,
        seed: int,
        on_wait: Callable[[int], None] | None = None,
        on_measured: Callable[[int, dict[str, int]], None] | None = None,
    ) -> None:
        self._unit = unit
        self._on_wait = on_wait
        self._on_measured = on_measured
        self._names = tuple(unit.rail_names)
        # Only the twin's own unit says in what its helper is another one.
        traits = getattr(unit, "helper_traits", None)
        self._labels = traits.rail_labels if traits else {}
        self._adc = RailAdc(seed, traits)

    def names(self, _small: int, _number: int, _wide: int, _payload: bytes) -> Reply:
        labels = self._labels
        return ",".join(labels.get(name, name) for name in self._names).encode()

    def read(self, small: int, number: int, _wide: int, _payload: bytes) -> Reply:
        name = self._names[small]
        less = QUICK if number else 1
        self._unit.clock.advance(READING_NS // less)
        return self._adc.read_mv(name, self._unit.rail_mv(name), READING_SAMPLES // less)

    def raw(self, small: int, _number: int, _wide: int, _payload: bytes) -> Reply:
        name = self._names[small]
        self._unit.clock.advance(READING_NS)
        return self._adc.read_raw(name, self._unit.rail_mv(name))

    def capture(self, _small: int, number: int, wide: int, _payload: bytes) -> Reply:
        if not number:
            raise Refused("a capture needs a period")
        if self._on_wait:
            self._on_wait(wide * _MS)
        clock = self._unit.clock
        end_ns = clock.now_ns + wide * _MS
        points: list[list[int]] = [[] for _ in self._names]
        while clock.now_ns < end_ns or not all(points):
            next_ns = clock.now_ns + number * _MS
            for name, values in zip(self._names, points, strict=True):
                clock.advance(CAPTURE_NS)
                values.append(self._adc.read_mv(name, self._unit.rail_mv(name), CAPTURE_SAMPLES))
            if self._on_measured:
                latest = {name: values[-1] for name, values in zip(self._names, points, strict=True)}
                self._on_measured(clock.now_ns // _MS, latest)
            clock.advance(max(next_ns - clock.now_ns, 0))
        return b"".join(struct.pack(op.CAPTURE_ENTRY, min(v), round(sum(v) / len(v)), max(v)) for v in points)

    def current(self, _small: int, _number: int, _wide: int, _payload: bytes) -> Reply:
        if "current" in missing_parts(self._unit):
            return op.NOTHING
        self._unit.clock.advance(READING_NS)
        return self._adc.read_ma(self._unit.supply_ma)

    def span(self, small: int, _number: int, _wide: int, _payload: bytes) -> Reply:
        return round(REFERENCE_MV * DIVIDERS[self._names[small]])

    def grounded(self, _small: int, _number: int, _wide: int, _payload: bytes) -> Reply:
        if not self._adc.has_ground:
            return op.NOTHING
        self._unit.clock.advance(READING_NS)
        return self._adc.read_ground()

    def zero(self, _small: int, number: int, _wide: int, _payload: bytes) -> Reply:
        self._adc.zero_lsb = number / 16
        return 0


class ObserverPort:
    """The call `EVENT`: keeps what the agent tells, and passes it on to whoever watches."""

    def __init__(
        self,
        clock: VirtualClock,
        watch: Callable[[int, str, object], None] | None = None,
        log_most: int | None = None,
    ) -> None:
        self._clock = clock
        self._watch = watch
        self._log_most = log_most
        self._parts = b""
        self.events: list[tuple[int, str, object]] = []

    def event(self, small: int, number: int, _wide: int, payload: bytes) -> Reply:
        # An error in the middle of an event leaves its first parts here.
        self._parts = payload if number else self._parts + payload
        if small:
            return 0
        name, data = json.loads(self._parts)
        self._parts = b""
        at_ms = self._clock.now_ns // _MS
        keep(self.events, (at_ms, name, data), self._log_most)
        if self._watch:
            self._watch(at_ms, name, data)
        return 0
