# Switches a unit on within limits, and proves that it is off again (docs/reference/unit.md). In the heap for those
# moments only. `power`: the unit's Power (power.py), which keeps what is found. Rails are {rail: {mv, min_mv, max_mv}}.

from rescue.engine.unit import adc_zero
from rescuelink.dead_rails import BETWEEN, CORE, DEAD_MV, INPUT, LOGIC, off_mv
from rescuelink.errors import PowerError

_NO_SWITCH = "no_switch"  # of by_hand.py
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
_BLIND_MS = 3000  # kept off for so long where nobody sees the chip's own rails fall
_POINTS = 24  # of a curve; even. Where more come, every second goes, and half as many are kept from then on
_PRESS_MS = 100  # the unit's button goes down when B+ is there: some latches want to see it go down


def sense_off(power):
    """Rails with everything off and let go, after bleeding. A rail that stays up is a backfeed trip."""
    power.cut()
    power.ports.nrst_stuck = False
    rails = power.ports.rails
    rails.set_zero(0)
    if power.by_hand() or not power.can_switch():
        # Somebody else feeds the unit, or nobody does: both are as they should be, and nothing will fall.
        power.zero = adc_zero.measure(rails) if rails.names else None
        return _told(power, rails.capture(_BLEED_LOOK_MS, 5), None)
    _wait_discharged(power)
    power.zero = adc_zero.measure(rails) if rails.names else None
    seen = _told(power, rails.capture(_BLEED_LOOK_MS, 5), None)
    name = _still_up(power, seen)
    if name is not None:
        power.set_trip("backfeed", name, seen[name]["mv"], _off_mv(power, name))
    return seen


def energise(power):
    """Switches on and watches the rails come up. Returns those of the quiet window."""
    clock, rails, limits = power.ports.clock, power.ports.rails, power.limits
    if not power.can_switch():
        power.trip = power.checked = None
        power.started_ms = clock.ms()
        power.is_on = True  # as far as it depends on us
        return observe(power, limits.quiet_ms)
    _keep_cycle_rate(power)
    power.trip = None
    power.checked = None
    power.cycles += not power.by_hand() or bool(power.fell)  # what a person had on before is no cycle
    power.is_on = True
    rails.arm_trip(None)
    try:
        power.ports.lines.power(True)
    except PowerError as error:
        if error.kind != _NO_SWITCH:
            raise
        return energise(power)  # as with a helper that cannot
    power.started_ms = start = clock.ms()
    reference = {}
    moved_at = rose_at = start
    pressed = not power.button
    curve, looks, every = power.curve, 0, 1
    while clock.since_ms(start) < limits.rise_ms:
        clock.feed()
        seen = rails.capture(_SLICE_MS, _PERIOD_MS)
        current = power.current_ma = rails.current_ma()
        if curve is not None and looks % every == 0:
            if len(curve) == _POINTS:
                every *= 2
                for index in range(1, _POINTS // 2 + 1):
                    curve.pop(index)
            curve.append((clock.since_ms(start), [seen[name][1] for name in rails.names]))
        looks += 1
        if _over_voltage(power, seen):
            return _as_evidence(power, seen)
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
        full = False  # at its limit behind an input that reads nothing: a short, or not settled yet
        if current is not None:
            in_budget = clock.since_ms(start) < limits.inrush_ms and clock.since_ms(rose_at) < limits.short_ms
            if current > limits.trip_ma and not in_budget:
                _trip_supply(power, "over-current", seen, limits.trip_ma, current)
                return _as_evidence(power, seen)
            # Where the rails in front are not seen, a rail that does not rise may be waiting for their capacitors. One
            # that reads nothing may be behind a wire of the helper's that is off.
            unseen = [role for role in (INPUT, BETWEEN) if role in limits.roles and power.seen(role) is None]
            dark = not unseen and _reads_nothing(power, seen)
            if dark:
                unseen.append(INPUT)
            elif not unseen and _ends_dark(power, seen):
                unseen.append(BETWEEN)
            short_ms = limits.inrush_ms if unseen else limits.short_ms
            full = dark and current >= _AT_LIMIT * limits.supply_ma
            if current >= _AT_LIMIT * limits.supply_ma and clock.since_ms(rose_at) >= short_ms:
                name = _lowest_rail(power, seen)
                power.set_trip("short", name, _mean(seen, name), limits.supply_ma, current)
                return _as_evidence(power, seen)
        if pressed and not full and clock.since_ms(moved_at) >= _SETTLED_MS:
            break
    # Only now: while capacitors fill, more may flow for a moment.
    rails.arm_trip(limits.trip_ma)
    seen = observe(power, limits.quiet_ms)
    core = power.seen(CORE)
    if core is None or seen[core]["mv"] >= DEAD_MV[CORE]:
        power.ports.nrst_stuck = False  # a chip whose core has power may let go of its reset this time
    return seen


def observe(power, window_ms):
    """Rails over a window, judged against the danger limits."""
    rails = power.ports.rails
    seen = rails.capture(max(window_ms, _SLICE_MS), 2)
    current = power.current_ma = rails.current_ma()
    if not _over_voltage(power, seen) and current is not None and current > power.limits.trip_ma:
        _trip_supply(power, "over-current", seen, power.limits.trip_ma, current)
    return _told(power, seen, current)


def off(power, hold_reset=False):
    """Switches off and proves it: every rail below the limit, and kept so. Raises PowerError("no_discharge").

    With `hold_reset` NRST stays as it is, so that it can be held low through the next power-on. Where nobody can
    switch, every line is let go, and `fell` stays empty.
    """
    rails = power.ports.rails
    if not power.can_switch():
        power.cut()
        power.fell = []
        return _told(power, rails.capture(_BLEED_LOOK_MS, 5), None)
    before = {name: rails.read_mv(name) for name in rails.names} if power.is_on else {}
    if hold_reset:
        power.ports.wire.release()
        power.ports.lines.unit_button(False)
        power.ports.lines.boot0(None)
        power.ports.lines.power(False)
        power.is_on = False
    else:
        power.cut()
        if power.by_hand():
            power.ports.lines.power(False)
    seen = _wait_discharged(power)
    name = _still_up(power, seen)
    if name is not None:
        raise PowerError(
            "no_discharge",
            "%s stays at %d mV with the power off" % (name, seen[name]["mv"]),
            next_step="disconnect every cable but the helper",
        )
    blind = power.seen(LOGIC) is None and power.seen(CORE) is None
    power.ports.clock.sleep_ms(max(power.limits.hold_off_ms, _BLIND_MS if blind else 0))
    power.fell = [name for name in seen if before.get(name, 0) >= 2 * _off_mv(power, name)]
    return seen


def cycle(power):
    """A proven removal and a new start with NRST left as it is; raises PowerError unless 3.3 V is good again."""
    if not power.can_switch():
        raise PowerError("no_switch", "this helper cannot switch the unit", next_step="switch it off and on by hand")
    off(power, hold_reset=True)
    rails = energise(power)
    if not power.is_on or not power.vtref_steady():
        name = power.seen(LOGIC)
        mv = "not seen" if name is None else "%d mV" % rails[name]["mv"]
        raise PowerError(
            "no_vtref", "the chip's supply did not come back (%s)" % mv, next_step="measure 3.3 V at the unit"
        )


def holds_a_line(ports):
    """Whether the chip holds NRST or SWDIO high by itself, so that it has its supply."""
    if ports.sees_nrst() and ports.lines.nrst_level():
        return True
    if "pulls" not in ports.missing:
        return bool(ports.wire.pulled(False) & 1)
    return not ports.sees_nrst()


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
    return off_mv(power.limits.role_of(name), power.limits.discharged_mv)


def _trip_supply(power, kind, seen, limit, ma):
    name = power.limits.roles.get(INPUT, "supply")
    power.set_trip(kind, name, _mean(seen, name), limit, ma)


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
        danger = power.limits.danger_mv(name)
        if danger is not None and seen[name][2] > danger:
            power.set_trip("over-voltage", name, seen[name][2], danger)
            return True
    return False


def _reads_nothing(power, seen):
    name = power.seen(INPUT)
    return name is not None and seen[name][1] < DEAD_MV[INPUT]


def _ends_dark(power, seen):
    # Nothing behind the second rail is seen, and that one reads nothing: its wire may be off, and what is behind fills.
    name = power.seen(BETWEEN)
    if name is None or seen[name][1] >= DEAD_MV[BETWEEN]:
        return False
    return power.seen(LOGIC) is None and power.seen(CORE) is None


def _lowest_rail(power, seen):
    # The rail nearest to the supply that does not come up is the overloaded one; with a rail behind it that is up, it
    # is one that is only not seen.
    lowest = None
    for role in (INPUT, BETWEEN, LOGIC, CORE):
        name = power.seen(role)
        if name is None:
            continue
        if lowest is None and seen[name][1] < power.limits.rails[name].low_mv // 2:
            lowest = name
        elif lowest is not None and _reads_nothing(power, seen) and seen[name][1] >= DEAD_MV[BETWEEN]:
            lowest = None  # so was the input
    if lowest is not None:
        return lowest
    return power.limits.roles.get(INPUT, "supply")


def _told(power, seen, current):
    evidence = _as_evidence(power, seen)
    power.ports.observer.event("rails", {"rails": evidence, "on": power.is_on, "ma": current})
    return evidence


def _as_evidence(power, seen):
    # A wire to a rail that the unit does not have tells nothing of it.
    result = {}
    for name in seen:
        if name in power.limits.rails:
            low, mean, high = seen[name]
            result[name] = {"mv": mean, "min_mv": low, "max_mv": high}
    return result
