# A unit whose power latch holds only while its button is pressed or its firmware drives it: with the firmware gone it
# switches itself off at once. The helper's opto-coupler lies across that button, so the agent can hold it.
#
# The button is pressed only while the unit has power, never longer than that (limits.energise_ms), and every way to the
# off state lets it go.

from rescuelink.dead_rails import DEAD_MV, INPUT

_HEAVY_MA = 100  # an overloaded rail is not switched on a second time
_HOLD_LOOK_MS = 500
_PERIOD_MS = 5


def look(run):
    """After power-on: where B+ is good, or not seen at all, and nothing behind it is, once more with the button held.

    evidence["rails"]["button"] = {"by": "job" or "found", "rail", "before_mv": None when the job said so, "mv", "ma"}.
    """
    power, rails = run.power, run.evidence["rails"]
    name = _behind_latch(run)
    before = None
    if name is None or power.trip is not None or "unit_button" in run.ports.missing or not power.can_switch():
        return
    from rescue.engine.unit import power_cycle

    if not power.button:
        if not _is_dark(run):
            return
        before = rails["on"][name]["mv"]
        power_cycle.off(power)
        power.button = True
        rails["on"] = power_cycle.energise(power)
    by = "job" if before is None else "found"
    if power.trip is None:
        mv, ma = rails["on"][name]["mv"], power.current_ma
        rails["button"] = {"by": by, "rail": name, "before_mv": before, "mv": mv, "ma": ma}
        if _is_dead(run):
            power.let_go_button()


def let_go(run):
    """At the end of the proof: lets the button go while the firmware runs. "" when the unit stays on."""
    name = _behind_latch(run)
    run.ports.lines.unit_button(False)
    if name is None:
        return ""
    low = run.limits.rails[name].low_mv
    mv = run.ports.rails.capture(_HOLD_LOOK_MS, _PERIOD_MS)[name][0]
    if mv < low:
        return "the unit goes off when its button is let go (%s %d mV): the firmware does not hold the latch" % (
            name,
            mv,
        )
    run.proof["lines"].append("the unit's button was let go: %s stays at %d mV or more" % (name, mv))
    return ""


def _behind_latch(run):
    return run.power.seen("between") or run.power.seen("logic")


def _is_dead(run):
    # Nothing behind the latch is up. One rail alone may be the helper's wire: 3.3 V is made from 12 V.
    on = run.evidence["rails"]["on"]
    for role in ("between", "logic"):
        name = run.power.seen(role)
        if name is not None and on[name]["mv"] >= DEAD_MV[role]:
            return False
    return True


def _is_dark(run):
    source, ma = run.power.seen(INPUT), run.power.current_ma
    if source is not None:
        window, supply = run.limits.rails[source], run.evidence["rails"]["on"][source]
        # One that reads nothing may be behind a wire of the helper's that is off: the button harms nobody then.
        if supply["mv"] >= DEAD_MV[INPUT] and not window.low_mv <= supply["mv"] <= window.high_mv:
            return False
    return _is_dead(run) and (ma is None or ma < _HEAVY_MA)
