# Switches a unit on within limits, and proves that it is off again (docs/reference/unit.md). Each function does
# what the method of Power with its name says.

from rescue.engine.unit import adc_zero
from rescuelink.dead_rails import DEAD_MV, off_mv
from rescuelink.errors import PowerError

_SLICE_MS = 4  # one look at the rails while they rise
_PERIOD_MS = 1
_RISE_MV = 20  # less than this, or than a fiftieth, is ripple and not movement
_RISE_PART = 50
_SETTLED_MS = 50  # no rail has moved for this long (docs/reference/unit.md#settling)
_AT_LIMIT = 0.9  # of the supply's current limit
_BLEED_LOOK_MS = 20
_MINUTE_MS = 60_000
_FALL_MS = 3000
_FALL_PART = 20
_PRESS_MS = 100  # the unit's button goes down when B+ is there: some latches want to see it go down


def sense_off(power):
    power.cut()
    power.ports.nrst_stuck = False
    rails = power.ports.rails
    rails.set_zero(0)
    _wait_discharged(power)
    power.zero = adc_zero.measure(rails)
    seen = _told(power, rails.capture(_BLEED_LOOK_MS, 5), None)
    name = _still_up(power, seen)
    if name is not None:
        power.set_trip("backfeed", name, seen[name]["mv"], _off_mv(power, name))
    return seen


def energise(power):
    clock, rails, limits = power.ports.clock, power.ports.rails, power.limits
    _keep_cycle_rate(power)
    power.trip = None
    power.started_ms = start = clock.ms()
    power.checked = None
    power.cycles += 1
    power.is_on = True
    rails.arm_trip(None)
    power.ports.lines.power(True)
    reference = {}
    moved_at = rose_at = start
    pressed = not power.button
    while clock.since_ms(start) < limits.rise_ms:
        clock.feed()
        seen = rails.capture(_SLICE_MS, _PERIOD_MS)
        current = power.current_ma = rails.current_ma()
        if _over_voltage(power, seen):
            return _as_evidence(seen)
        now = clock.ms()
        if not pressed and clock.since_ms(start) >= _PRESS_MS:
            pressed = True
            power.ports.lines.unit_button(True)
            moved_at = rose_at = now
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
                power.set_trip("over-current", "bplus", _mean(seen, "bplus"), limits.trip_ma, current)
                return _as_evidence(seen)
            # Where the rails in front are not seen, a rail that does not rise may be waiting for their capacitors.
            short_ms = limits.short_ms if "bplus" in seen and "v12" in seen else limits.inrush_ms
            if current >= _AT_LIMIT * limits.supply_ma and clock.since_ms(rose_at) >= short_ms:
                name = _lowest_rail(power, seen)
                power.set_trip("short", name, _mean(seen, name), limits.supply_ma, current)
                return _as_evidence(seen)
        if pressed and clock.since_ms(moved_at) >= _SETTLED_MS:
            break
    # Only now: while capacitors fill, more may flow for a moment.
    rails.arm_trip(limits.trip_ma)
    seen = observe(power, limits.quiet_ms)
    if "vcap" not in seen or seen["vcap"]["mv"] >= DEAD_MV["vcap"]:
        power.ports.nrst_stuck = False  # a chip whose core has power may let go of its reset this time
    return seen


def observe(power, window_ms):
    rails = power.ports.rails
    seen = rails.capture(max(window_ms, _SLICE_MS), 2)
    current = power.current_ma = rails.current_ma()
    if not _over_voltage(power, seen) and current is not None and current > power.limits.trip_ma:
        power.set_trip("over-current", "bplus", _mean(seen, "bplus"), power.limits.trip_ma, current)
    return _told(power, seen, current)


def off(power, hold_reset):
    rails = power.ports.rails
    before = {name: rails.read_mv(name) for name in rails.names} if power.is_on else {}
    if hold_reset:
        power.ports.wire.release()
        power.ports.lines.unit_button(False)
        power.ports.lines.boot0(None)
        power.ports.lines.power(False)
        power.is_on = False
    else:
        power.cut()
    seen = _wait_discharged(power)
    name = _still_up(power, seen)
    if name is not None:
        raise PowerError(
            "no_discharge",
            "%s stays at %d mV with the power off" % (name, seen[name]["mv"]),
            next_step="disconnect every cable but the helper",
        )
    power.ports.clock.sleep_ms(power.limits.hold_off_ms)
    power.fell = [name for name in rails.names if before.get(name, 0) >= 2 * _off_mv(power, name)]
    return seen


def _wait_discharged(power):
    clock, limits = power.ports.clock, power.limits
    start = since = clock.ms()
    before = None
    while True:
        seen = _told(power, power.ports.rails.capture(_BLEED_LOOK_MS, 5), None)
        name = _still_up(power, seen)
        if name is None or clock.since_ms(start) >= limits.discharge_ms:
            return seen
        if before is None or clock.since_ms(since) >= _FALL_MS:
            # A rail that has lost next to nothing in seconds does not bleed: somebody feeds it.
            if before is not None and before.get(name, 0) - seen[name]["mv"] < before.get(name, 0) // _FALL_PART:
                return seen
            before, since = {each: seen[each]["mv"] for each in seen}, clock.ms()
        clock.feed()
        clock.sleep_ms(_BLEED_LOOK_MS)


def _still_up(power, seen):
    for name in seen:
        if seen[name]["mv"] >= _off_mv(power, name):
            return name
    return None


def _off_mv(power, name):
    return off_mv(name, power.limits.discharged_mv)


def _mean(seen, name):
    # None where the helper has no wire to that rail.
    return seen[name][1] if name in seen else None


def _keep_cycle_rate(power):
    # At most so many power cycles a minute (docs/reference/unit.md#cycle-rate): wait for the oldest to be a minute old.
    starts, clock = power.starts, power.ports.clock
    if len(starts) >= power.limits.cycles_per_minute:
        age = clock.since_ms(starts.pop(0))
        if age < _MINUTE_MS:
            wait_ms = _MINUTE_MS - age
            why = "at most %d power cycles a minute" % power.limits.cycles_per_minute
            power.ports.observer.event("wait", {"ms": wait_ms, "why": why})
            power.say("wait %d s: power cycles" % (wait_ms // 1000 + 1))
            clock.sleep_ms(wait_ms)
            power.say("")
    starts.append(clock.ms())


def _over_voltage(power, seen):
    for name in seen:
        danger = power.limits.rails[name].danger_mv
        if seen[name][2] > danger:
            power.set_trip("over-voltage", name, seen[name][2], danger)
            return True
    return False


def _lowest_rail(power, seen):
    # The rail nearest to the supply that does not come up is the overloaded one.
    for name in power.ports.rails.names:
        if name != "v5iso" and seen[name][1] < power.limits.rails[name].low_mv // 2:
            return name
    return "bplus"


def _told(power, seen, current):
    evidence = _as_evidence(seen)
    power.ports.observer.event("rails", {"rails": evidence, "on": power.is_on, "ma": current})
    return evidence


def _as_evidence(seen):
    result = {}
    for name in seen:
        low, mean, high = seen[name]
        result[name] = {"mv": mean, "min_mv": low, "max_mv": high}
    return result
