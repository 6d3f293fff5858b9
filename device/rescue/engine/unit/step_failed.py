# What is to be done when a step of the run has failed: the step once more, or the diagnosis from what is known.

from rescuelink.errors import FlashError, PowerError, TargetError, WireError

_READING = ("evidence", "map", "backup", "verify")
_RESET_EDGES = 3  # as in rules_common.py


def is_done_again(run, name):
    """Whether the step `name` is done once more. Each try is recorded."""
    # A step that has only read is done again with a slower SWCLK when the wire disturbed it.
    taken = run.resets.fresh or (run.target is not None and run.power.is_gone())
    changes_nothing = name in _READING or (name == "act" and not run.erase_begun)
    if changes_nothing and _may_be_the_wire(run):
        from rescue.engine.unit.swd_retry import slow_down

        if slow_down(run):
            run.disturbed += not taken
            return True
    return name == "evidence" and _resets_itself(run)


def _resets_itself(run):
    # Whether firmware that resets its chip again and again could be stopped at its first instruction.
    if not isinstance(run.error, WireError) or (run.evidence.get("nrst") or {}).get("edges", 0) < _RESET_EDGES:
        return False
    if run.target is None:
        return False
    from rescue.engine.unit import own_resets

    return own_resets.halted(run)


def _may_be_the_wire(run):
    error = run.error
    if isinstance(error, PowerError):
        return error.kind == "brown-out" and run.power.trip is not None
    if (run.evidence.get("nrst") or {}).get("edges", 0) >= _RESET_EDGES:
        return False  # a chip that is reset again and again goes away whatever the clock is
    return isinstance(error, WireError) or (isinstance(error, (TargetError, FlashError)) and run.is_disturbed())


def may_be_the_units(run):
    """Whether the unit may be at fault, and not the helper; notes what the diagnosis needs to know of it."""
    run.evidence["rails"]["trip"] = run.power.trip
    swd = run.evidence.get("swd")
    if swd is not None and isinstance(run.error, (WireError, TargetError)):
        swd["error"] = run.error.message
        if run.target is not None and not run.erase_begun:
            from rescue.engine.unit.nrst_watch import look_again

            look_again(run)
    return isinstance(run.error, (WireError, TargetError, PowerError))
