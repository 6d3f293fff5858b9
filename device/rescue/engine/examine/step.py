# Steps "sense" to "evidence": from a unit nobody touches to a chip that tells what it is. Nothing is changed.

from rescue.chips.families import prepare
from rescue.debug.connect import ATTACH, BOOT0, POWER_CYCLE_UNDER_RESET
from rescue.engine.examine import evidence
from rescue.engine.unit import ladder, nrst_watch, wiring
from rescue.hal.ports import wait_for_nrst
from rescuelink.errors import TargetError, WireError

_SETTLE_LOOK_MS = 100
_WIRES = ("power", "nrst", "boot0", "unit_button", "pulls")
_LOOP_WINDOWS = 5
_BY_POWER = (POWER_CYCLE_UNDER_RESET, BOOT0)  # how the ladder reached it
_ALWAYS_READABLE = ("reset_cause", "options", "supply", "watchdog")  # refused, they tell of a reset in between
_DAMAGED = ("parity", "protocol", "no_ack")
_OPTION_EVENTS = ("unprotect", "protect", "options")  # of the journal (option_steps.py)


def sense(run):
    """Everything off and let go: no rail may be up."""
    run.evidence["expected"] = evidence.expected(run.job)
    rails = run.evidence["rails"]
    run.evidence["unseen"] = _unseen(run)
    rails["off"] = run.power.sense_off()
    rails["zero"] = run.power.zero
    if run.power.trip is not None:
        rails["trip"] = run.power.trip
        run.skip_to("diagnosis")


def _unseen(run):
    # Rails and wires of the unit that this helper does without: what a rule is silent about for want of them.
    found = run.power.unseen()
    if run.power.by_hand() and not run.power.cycles:
        found.append("power")  # it was on before, and nobody has seen it off
    found += [name for name in run.ports.missing if name in _WIRES]
    if "nrst_level" in run.ports.missing:
        found.append("nrst")
    if run.ports.rails.current_ma() is None:
        found.append("current")
    return found


def energise(run):
    """Power on within the limits, with the unit's button held where its latch does not hold by itself."""
    rails = run.evidence["rails"]
    run.power.button = run.job.board_latch == "button-or-firmware"
    rails["on"] = run.power.energise()
    if run.job.board_latch != "self-holding":
        from rescue.engine.unit import button

        button.look(run)
    rails["ma"] = run.power.current_ma
    if run.power.trip is not None:
        rails["trip"] = run.power.trip
        run.skip_to("diagnosis")


def judge_rails(run):
    """The rails over a window, NRST with our line let go, and whether our lines may be driven at all."""
    logic = run.power.seen("logic")
    if logic is not None and not _good(run, "logic"):
        # A helper that sees few rails may have looked while it rose.
        run.evidence["rails"]["on"] = run.power.observe(_SETTLE_LOOK_MS)
    if run.ports.sees_nrst():
        run.evidence["nrst"] = _look_at_nrst(run, logic is None or _good(run, "logic"))
    run.watched_ms = run.ports.clock.ms()
    rails = run.evidence["rails"]
    rails["on"] = run.power.observe(_SETTLE_LOOK_MS)
    rails["ma"] = run.power.current_ma
    if run.power.trip is not None:
        rails["trip"] = run.power.trip
        run.skip_to("diagnosis")
    elif not run.power.vtref_steady() or (logic is not None and not _good(run, "logic")) or _held_in_reset(run):
        if logic is None:
            run.evidence["wiring"] = wiring.look(run.ports)  # does anything show that the chip has its supply?
            _read_meter(run)
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
    return nrst


def connect(run):
    """The connect ladder; where attaching fails, a look at the two wires says why."""
    run.evidence["wiring"] = {}

    def explain():
        found = run.evidence["wiring"] = wiring.look(run.ports)
        # A chip that lives holds its two lines; one without core supply need not.
        return wiring.speaks_against(found) and _good(run, "core")

    run.target, run.evidence["swd"] = ladder.connect(run.ports, run.power, run.limits, prepare, explain)
    rails, core = run.evidence["rails"], run.power.seen("core")
    if run.target is not None:
        how = run.evidence["swd"]["how"]
        if how in _BY_POWER and not run.power.by_hand() and (core is None or _good(run, "core")):
            _attach_once_more(run)
        elif how != ATTACH and core is not None and not _good(run, "core"):
            rails["reset_vcap_mv"] = run.ports.rails.capture(_SETTLE_LOOK_MS, 2)[core][2]  # no firmware runs
    run.evidence["unseen"] = _unseen(run)  # a person may have said that they cannot
    if run.target is None:
        if "family" in run.evidence["swd"]:
            run.skip_to("diagnosis")
            return
        dark = core is not None and not _good(run, "core") and "nrst" not in run.ports.missing
        # What the last rung left: with BOOT0 high no firmware has run since power-on.
        left_mv = run.ports.rails.capture(_SETTLE_LOOK_MS, 2)[core][1] if dark else 0
        if dark and left_mv >= run.limits.rails[core].low_mv:
            explain()  # a chip that has its supply holds its lines
        rails["reset_ma"] = wiring.nrst_follows(run.ports)[1]
        if dark:
            rails["reset_vcap_mv"] = max(left_mv, wiring.rail_in_reset(run.ports, core))
        _read_meter(run)
        run.skip_to("diagnosis")


def _read_meter(run):
    # Where the chip does not answer: the rails that this helper has no wire to, from the input on, read by a person.
    if run.person is None:
        return
    by_meter = []
    for role in ("input", "between", "logic", "core"):
        name = run.limits.roles.get(role)
        if name is None or run.power.seen(role) is not None:
            continue
        mv = run.person.read("measure this rail against GND: " + name)
        if mv is None:
            break
        run.evidence["rails"]["on"][name] = {"mv": mv, "min_mv": mv, "max_mv": mv}
        by_meter.append(name)
        if mv < run.limits.rails[name].low_mv:
            break  # what lies behind it cannot be better
    if by_meter:
        run.evidence["by_meter"] = by_meter
        run.evidence["unseen"] = [name for name in run.evidence["unseen"] if name not in by_meter]


def _attach_once_more(run):
    # With its core supplied a chip answers under reset, whatever its firmware does. This one did so only after a power
    # cycle: the wires may have come back meanwhile. Then it is looked at as it is.
    tries = run.evidence["swd"]["tries"]
    run.leave_target()
    run.power.cycle()
    wait_for_nrst(run.ports)
    run.ports.lines.nrst_edges()  # until here they were ours
    run.watched_ms = run.ports.clock.ms()
    run.target, run.evidence["swd"] = ladder.connect(run.ports, run.power, run.limits, prepare)
    run.evidence["swd"]["tries"] = tries + run.evidence["swd"]["tries"]


def gather(run):
    """Identity, reset cause, options, core: what the chip says before anything is changed."""
    run.power.check()
    try:
        run.chip = run.target.family.open_chip(run.target, run.ports.clock)
    except (TargetError, WireError) as error:
        if error.kind != "wrong_chip" and error.kind != "fault":
            raise
        dev_id = run.target.family.device_id(run.target)
        if error.kind == "fault" and run.job.dev_id in (dev_id, None):
            raise
        run.evidence["chip"] = {"dev_id": dev_id, "rev_id": None, "flash_kib": None, "uid": None, "name": None}
        run.skip_to("diagnosis")
        return
    attached = run.evidence["swd"]["how"] == ATTACH
    run.evidence.pop("unreadable", None)
    disturbed = run.disturbances()
    evidence.gather(run.evidence, run.ports, run.target, run.chip, run.job.boot_address, attached)
    chip = run.evidence.get("chip")
    if chip is not None and run.job.dev_id is None:
        evidence.settle(run, chip)
    is_ours = chip is not None and chip["dev_id"] == run.job.dev_id and chip["flash_kib"] == run.job.flash_kib
    for name, kind in run.evidence.get("unreadable", {}).items():
        disturbed_core = name == "core" and run.disturbances() > disturbed
        if kind in _DAMAGED or (kind == "fault" and is_ours and (name in _ALWAYS_READABLE or disturbed_core)):
            # No chip says so: what was lost on the wire is read again at a slower clock, what a reset took at the same.
            run.resets.fresh = kind == "fault"
            raise WireError(kind, "reading the %s was disturbed" % name.replace("_", " "))
    if not is_ours:
        run.skip_to("diagnosis")
        return
    from rescue.engine.examine.resume import interrupted

    options = run.evidence.get("options", {})
    roots = (run.ports.card.root, run.ports.store.root)
    resumed = run.resumed = interrupted(roots, chip["uid"])
    ours = resumed is not None and resumed["backup"] is not None
    if ours and options.get("rdp") == 1 and (resumed["restore"] or resumed["event"] in _OPTION_EVENTS):
        run.evidence["options_cut"] = resumed["event"]
    if options.get("rdp") != 0 or options.get("security"):
        # Flash that cannot be read is not read; what the chip draws tells whether firmware ran.
        run.evidence["rails"]["reset_ma"] = wiring.nrst_follows(run.ports)[1]
        run.skip_to("diagnosis")
    elif attached:
        from rescue.engine.unit import running_look as look

        period_ms = look.period_of(run.evidence, False)
        if period_ms:
            # The option bytes start a watchdog at reset, or one has bitten already: does anybody feed it?
            look.watch_resets(run, run.target, run.evidence, period_ms)
            wait_for_nrst(run.ports)
            run.evidence["reset_cause"] = run.chip.reset_cause()
        else:
            _look_for_slow_loop(run)


def _look_for_slow_loop(run):
    # Nothing of ours has pulled NRST until now: an edge is a reset by somebody else, slower than the first look.
    edges = run.ports.lines.nrst_edges() if "nrst" in run.evidence else 0
    if edges and run.evidence["nrst"]["edges"] < nrst_watch.LOOP_EDGES:
        since_ms = run.ports.clock.since_ms(run.watched_ms)
        run.evidence["nrst"] = nrst_watch.watch_for_loop(run.ports, edges, since_ms)


def _good(run, role):
    name = run.power.seen(role)
    if name is None:
        return False
    window, rail = run.limits.rails[name], run.evidence["rails"]["on"][name]
    return window.low_mv <= rail["mv"] <= window.high_mv


def _held_in_reset(run):
    # With the core supplied, a steady low is somebody else's pull: nothing on the chip can be reached behind it.
    nrst = run.evidence.get("nrst")
    if nrst is None:
        return False
    return nrst["level"] == 0 and not nrst["edges"] and (_good(run, "core") or run.power.seen("core") is None)
