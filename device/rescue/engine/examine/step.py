# Steps "sense", "energise" and "rails": a unit nobody has touched gets its supply, and its rails are judged. Nothing is
# changed.

from rescue.engine.examine import evidence
from rescue.engine.examine.seen import is_good, unseen
from rescue.engine.unit import nrst_watch
from rescue.hal.ports import wait_for_nrst

_SETTLE_LOOK_MS = 100
_LOOP_WINDOWS = 5
_STEP_MV = 10


def sense(run):
    """Everything off and let go: no rail may be up."""
    run.evidence["expected"] = evidence.expected(run.job)
    rails = run.evidence["rails"]
    run.evidence["unseen"] = unseen(run)
    from rescue.engine.unit import power_cycle

    rails["off"] = power_cycle.sense_off(run.power)
    rails["zero"] = run.power.zero
    if run.power.trip is not None:
        rails["trip"] = run.power.trip
        run.skip_to("diagnosis")


def energise(run):
    """Power on within the limits, with the unit's button held where its latch does not hold by itself."""
    rails = run.evidence["rails"]
    run.power.button = run.job.board_latch == "button-or-firmware"
    run.power.curve = curve = []
    from rescue.engine.unit import power_cycle

    rails["on"] = power_cycle.energise(run.power)
    run.power.curve = None
    if curve and run.ports.rails.names:
        rails["curve"] = _steps_of(curve, run.ports.rails.names)
    if run.job.board_latch != "self-holding":
        from rescue.engine.unit import button

        button.look(run)
    rails["ma"] = run.power.current_ma
    if run.power.trip is not None:
        rails["trip"] = run.power.trip
        run.skip_to("diagnosis")


def _steps_of(curve, names):
    # How the rails rose, small in the record: each number is the step from the one before, in ms and in 10 mV.
    told = {"ms": [], "rails": {}}
    before = 0
    for ms, _ in curve:
        told["ms"].append(ms - before)
        before = ms
    for place in range(len(names)):
        steps = told["rails"][names[place]] = []
        before = 0
        for _, mv in curve:
            now = (mv[place] + 5) // _STEP_MV
            steps.append(now - before)
            before = now
    return told


def judge_rails(run):
    """The rails over a window, NRST with our line let go, and whether our lines may be driven at all."""
    logic = run.power.seen("logic")
    from rescue.engine.unit import power_cycle

    if logic is not None and not is_good(run, "logic"):
        # A helper that sees few rails may have looked while it rose.
        run.evidence["rails"]["on"] = power_cycle.observe(run.power, _SETTLE_LOOK_MS)
    if run.ports.sees_nrst():
        _look_at_nrst(run, logic is None or is_good(run, "logic"))
    run.watched_ms = run.ports.clock.ms()
    rails = run.evidence["rails"]
    rails["on"] = power_cycle.observe(run.power, _SETTLE_LOOK_MS)
    rails["ma"] = run.power.current_ma
    if run.power.trip is not None:
        rails["trip"] = run.power.trip
        run.skip_to("diagnosis")
    elif not run.power.vtref_steady() or (logic is not None and not is_good(run, "logic")) or _held_in_reset(run):
        if logic is None:
            from rescue.engine.examine.meter import read_meter
            from rescue.engine.unit import wiring

            run.evidence["wiring"] = wiring.look(run.ports)  # does anything show that the chip has its supply?
            read_meter(run)
        run.skip_to("diagnosis")
    elif run.limits.watch_s:
        from rescue.engine.examine.watch import watch

        watch(run)


def _look_at_nrst(run, wait):
    low_ms = wait_for_nrst(run.ports) if wait else 0
    nrst = nrst_watch.watch_reset(run.ports, run.limits.nrst_window_ms)
    if nrst["edges"]:
        # One edge may be the end of the power-on reset; a longer look tells a loop from it.
        nrst = nrst_watch.watch_reset(run.ports, _LOOP_WINDOWS * run.limits.nrst_window_ms)
    nrst["low_ms"] = low_ms
    run.evidence["nrst"] = nrst
    if nrst["edges"]:
        nrst_watch.look_again(run)  # so few may still be a loop


def _held_in_reset(run):
    # With the core supplied, a steady low is somebody else's pull: nothing on the chip can be reached behind it.
    nrst = run.evidence.get("nrst")
    if nrst is None:
        return False
    return nrst["level"] == 0 and not nrst["edges"] and (is_good(run, "core") or run.power.seen("core") is None)
