# Step "evidence": what the chip says of itself before anything is changed, and what an earlier run left on it.

from rescue.debug.target import ATTACH
from rescue.engine import modules
from rescue.engine.examine import evidence
from rescue.hal.ports import wait_for_nrst
from rescuelink.errors import CardError, TargetError, WireError

_ALWAYS_READABLE = ("reset_cause", "options", "supply", "watchdog")  # refused, they tell of a reset in between
_DAMAGED = ("parity", "protocol", "no_ack")
_OPTION_EVENTS = ("unprotect", "protect", "options")  # of the journal (option_steps.py)


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
    watchdog_ms = _watchdog_ms(run.evidence) if attached else None
    modules.drop(modules.LOOKED_WITH)
    chip = run.evidence.get("chip")
    if chip is not None and run.job.dev_id is None:
        evidence.settle(run, chip)
    is_ours = chip is not None and chip["dev_id"] == run.job.dev_id and chip["flash_kib"] == run.job.flash_kib
    for name, kind in run.evidence.get("unreadable", {}).items():
        lost = run.disturbances() > disturbed and name == "core" and is_ours
        lost = lost or (name == "chip" and _is_open(run.evidence))  # no open chip refuses to say who it is
        if kind in _DAMAGED or (kind == "fault" and (lost or (is_ours and name in _ALWAYS_READABLE))):
            # No chip says so: what was lost on the wire is read again at a slower clock, what a reset took at the same.
            run.resets.fresh = kind == "fault"
            raise WireError(kind, "reading the %s was disturbed" % name.replace("_", " "))
    if not is_ours:
        run.skip_to("diagnosis")
        return
    from rescue.engine.examine.resume import interrupted

    options = run.evidence.get("options", {})
    roots = (run.ports.card.root, run.ports.store.root)
    uid, feed = chip["uid"], run.ports.clock.feed
    resumed = run.resumed = interrupted(roots if run.released is None else roots[1:], uid, feed)
    if resumed is None and run.released is not None and interrupted(roots[:1], uid, feed) is not None:
        # Whoever has the card can write a journal, and a backup to go with it: bytes and option bytes of their own.
        raise CardError(
            "foreign_journal",
            "the card says that another helper was cut at work on this unit, and here that is not believed",
            next_step="go on at that helper; where that is over, remove the unit's journal from the card",
        )
    ours = resumed is not None and resumed["backup"] is not None
    if ours and options.get("rdp") == 1 and (resumed["restore"] or resumed["event"] in _OPTION_EVENTS):
        run.evidence["options_cut"] = resumed["event"]
    if options.get("rdp") != 0 or options.get("security"):
        # Flash that cannot be read is not read; what the chip draws tells whether firmware ran.
        from rescue.engine.unit import wiring

        run.evidence["rails"]["reset_ma"] = wiring.nrst_follows(run.ports)[1]
        run.skip_to("diagnosis")
    elif attached:
        if watchdog_ms and run.resets.silent_ms is None:  # else there is no time for it
            from rescue.engine.unit.running_look import watch_resets

            # The option bytes start a watchdog at reset, or one has bitten already: does anybody feed it?
            watch_resets(run, run.target, run.evidence, watchdog_ms)
            wait_for_nrst(run.ports)
            run.evidence["reset_cause"] = run.target.family.reset_cause(run.target.ap0)
        _look_for_slow_loop(run)
    else:
        from rescue.engine.unit.nrst_watch import look_again

        look_again(run)  # a chip that was not reached as it is may be one that somebody resets


def _is_open(found):
    options = found.get("options")
    return options is not None and options["rdp"] == 0 and not options["security"]


def _watchdog_ms(found):
    from rescue.engine.unit.running_look import period_of

    return period_of(found, False)


def _look_for_slow_loop(run):
    # Nothing of ours has pulled NRST until now: an edge is a reset by somebody else, slower than the first look.
    nrst = run.evidence.get("nrst")
    edges = 0 if nrst is None else run.ports.lines.nrst_edges()
    if not edges:
        return
    from rescue.engine.unit import nrst_watch

    if run.resets.silent_ms is None and nrst["edges"] < nrst_watch.LOOP_EDGES:
        run.say("resets")
        nrst.update(nrst_watch.watch_on(run, run.watched_ms, edges))
        wait_for_nrst(run.ports)
