# A front end that feeds the microcontroller may switch that supply off when it hears nothing for some seconds
# (docs/reference/unit.md#afe-regulator), and a core that is worked on says nothing. Then the work is done in pieces,
# each with the power switched on anew.
#
# That it is so, and no weak supply, is found out once: with the chip held in reset, and nobody at work, the supply goes
# away again, no later after power-on.

from rescue.chips.families import prepare
from rescue.engine.unit import ladder
from rescue.engine.unit.same_unit import check_unit
from rescue.hal.ports import wait_for_nrst
from rescuelink.errors import PowerError, RescueError

_LOOK_MS = 20
_LEAST_MS = 500  # sooner, and nothing can be done in between
_OFF_PART = 5  # its clock is no better than to a fifth
_MORE_MS = 300


def power_again(run):
    """After the chip's supply has gone away, or is about to: the unit is powered anew and its chip is found again.
    False where it is no front end that does it; then the trip stays."""
    power, trip = run.power, run.power.trip
    if not power.can_switch() or power.by_hand() or not run.resets.spend():
        return False
    if trip is not None and not _is_so(run, trip):
        power.cut()
        power.trip = trip
        return False
    try:
        _find_again(run)
    except RescueError:
        return False
    return True


def _is_so(run, trip):
    known_ms, power, clock = run.resets.silent_ms, run.power, run.ports.clock
    if known_ms is not None:
        return known_ms <= _latest(trip)
    run.say("does the supply go away by itself?")
    limit_ms = _latest(trip)
    power.trip = None
    from rescue.engine.unit import power_cycle

    power_cycle.off(power)
    run.ports.lines.nrst(True)
    try:
        power_cycle.energise(power)
        while power.trip is None and clock.since_ms(power.started_ms) < limit_ms:
            clock.sleep_ms(_LOOK_MS)
            power.check()
    except PowerError:
        pass  # what it was is in the trip
    found = power.trip
    power.cut()
    if found is None or found["kind"] != trip["kind"]:
        return False
    run.resets.silent_ms = found["ms"]
    run.evidence["silent"] = {"rail": found["rail"], "ms": found["ms"]}
    return run.resets.silent_ms >= _LEAST_MS


def _latest(trip):
    # It may have gone some time before that was noticed.
    return trip["ms"] + trip["ms"] // _OFF_PART + _MORE_MS


def _find_again(run):
    # What was lost with the supply is not the wires' fault.
    run.target.dp.disturbed = 0
    run.target.core.reset_halted = False
    if run.chip is not None:
        run.chip.flash.resends = 0
    run.power.trip = None
    from rescue.engine.unit import power_cycle

    power_cycle.off(run.power)
    power_cycle.energise(run.power)
    wait_for_nrst(run.ports)
    target, swd = ladder.connect(run.ports, run.power, run.limits, prepare)
    run.note_tries(swd["tries"])
    if target is None:
        raise PowerError("no_vtref", "the chip does not answer after its supply was switched on again")
    run.target = target
    if run.chip is not None:
        run.chip = target.family.open_chip(target, run.ports.clock)
        check_unit(run)
    run.resets.again(target.core)
    run.resets.fresh = False
