# Step "connect": from good rails to a debug port that answers. Nothing is changed.

from rescue.chips.families import prepare
from rescue.debug.connect import ATTACH, BOOT0, POWER_CYCLE_UNDER_RESET
from rescue.engine.examine.seen import is_good, unseen
from rescue.engine.unit import ladder, wiring
from rescue.hal.ports import wait_for_nrst

_SETTLE_LOOK_MS = 100
_BY_POWER = (POWER_CYCLE_UNDER_RESET, BOOT0)  # how the ladder reached it


def connect(run):
    """The connect ladder; where attaching fails, a look at the two wires says why."""
    run.evidence["wiring"] = {}

    def explain():
        found = run.evidence["wiring"] = wiring.look(run.ports)
        # A chip that lives holds its two lines; one without core supply need not, and holds its reset.
        nrst = run.evidence.get("nrst")
        lives = is_good(run, "core") if core is not None else nrst is not None and nrst["level"] == 1
        return wiring.speaks_against(found) and lives

    rails, core = run.evidence["rails"], run.power.seen("core")
    run.target, run.evidence["swd"] = ladder.connect(run.ports, run.power, run.limits, prepare, explain)
    if run.target is not None:
        how = run.evidence["swd"]["how"]
        if how in _BY_POWER and not run.power.by_hand() and (core is None or is_good(run, "core")):
            _attach_once_more(run)
        elif how != ATTACH and core is not None and not is_good(run, "core"):
            rails["reset_vcap_mv"] = run.ports.rails.capture(_SETTLE_LOOK_MS, 2)[core][2]  # no firmware runs
    run.evidence["unseen"] = unseen(run)  # a person may have said that they cannot
    if run.target is None:
        if "family" in run.evidence["swd"]:
            run.skip_to("diagnosis")
            return
        dark = core is not None and not is_good(run, "core") and "nrst" not in run.ports.missing
        # What the last rung left: with BOOT0 high no firmware has run since power-on.
        left_mv = run.ports.rails.capture(_SETTLE_LOOK_MS, 2)[core][1] if dark else 0
        if dark and left_mv >= run.limits.rails[core].low_mv:
            explain()  # a chip that has its supply holds its lines
        rails["reset_ma"] = wiring.nrst_follows(run.ports)[1]
        if dark:
            rails["reset_vcap_mv"] = max(left_mv, wiring.rail_in_reset(run.ports, core))
        from rescue.engine.examine.meter import read_meter

        read_meter(run)
        run.skip_to("diagnosis")


def _attach_once_more(run):
    # With its core supplied a chip answers under reset, whatever its firmware does. This one did so only after a power
    # cycle: the wires may have come back meanwhile. Then it is looked at as it is.
    tries = run.evidence["swd"]["tries"]
    run.leave_target()
    from rescue.engine.unit import power_cycle

    power_cycle.cycle(run.power)
    wait_for_nrst(run.ports)
    run.ports.lines.nrst_edges()  # until here they were ours
    run.watched_ms = run.ports.clock.ms()
    run.target, run.evidence["swd"] = ladder.connect(run.ports, run.power, run.limits, prepare)
    run.evidence["swd"]["tries"] = tries + run.evidence["swd"]["tries"]
