# What a run seldom needs: a slower wire, a fault of our own in words.

import sys

from rescuelink.errors import RescueError

_SLOWEST_HZ = 100_000
_SLOWER = 4


def slow_down(run):
    """A slower SWCLK after a disturbed transfer, and the debug port found again. False when there is none left."""
    swd = run.evidence["swd"]
    hz = run.ports.wire.frequency_hz // _SLOWER
    if hz < _SLOWEST_HZ or run.target is None:
        return False
    run.ports.wire.set_frequency(hz)
    swd["tries"].append({"how": "slower", "hz": hz, "result": "ok"})
    swd["hz"] = hz
    if run.chip is not None:
        run.chip.digest.forget()  # what disturbed the wire may also have written where it should not
    try:
        run.target.dp.connect()
        run.target.dp.power_up()
    except RescueError as error:
        swd["tries"][-1]["result"] = error.kind
        return False
    return True


def as_tool_error(error, name):
    """The RescueError for an exception of our own code, the file system or the heap, in the step `name`."""
    if sys.implementation.name == "micropython":
        sys.print_exception(error)
    kind = "memory" if isinstance(error, MemoryError) else "tool"
    message = "%s: %s" % (error.__class__.__name__, error)
    return RescueError(kind, message, phase=name, next_step="keep the record and report it; the unit is switched off")


def findings(run):
    """What is known of a unit of which nothing was changed."""
    if run.card_mounted:
        run.ports.card.unmount()
    return {
        "steps": run.steps,
        "evidence": run.evidence,
        "diagnosis": run.diagnosis,
        "plan": run.plan,
        "error": None if run.error is None else run.error.to_dict(),
    }
