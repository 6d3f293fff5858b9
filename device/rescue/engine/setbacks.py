# What a run seldom needs: a slower wire, a write that failed, a fault of our own in words.

import sys

from rescue.debug import adi_registers as adi
from rescuelink.errors import FlashError, PowerError, RescueError, WireError

_SUPPLY_BACK_MS = 100
_WORN = "the sector no longer takes what is written to it: replace the microcontroller or the board"
_FINAL = ("write_protected", "read_protected", "secure", "locked")
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
        run.chip.crc.forget()  # what disturbed the wire may also have written where it should not
    try:
        run.target.dp.connect()
        run.target.dp.power_up()
    except RescueError as error:
        swd["tries"][-1]["result"] = error.kind
        return False
    return True


def write_failed(run, step, error, is_last):
    """Makes ready for another try at a sector that could not be written; raises `error` where there is none."""
    flash = run.chip.flash
    disturbed = not isinstance(error, FlashError)
    if not disturbed and error.kind in _FINAL:
        raise error
    _blame_supply(run)
    if error.kind == "verify":
        flash.by_core = False  # the core may have written wrongly: word by word now
    if is_last:
        if not disturbed:
            error.next_step = error.next_step or _WORN
        raise error
    # Nobody knows how far a disturbed write came: the sector is erased and written again, more slowly.
    if disturbed and not slow_down(run):
        raise error
    run.journal_write("retry", {"sector": step["sector"], "kind": error.kind})
    if disturbed:
        run.target.core.reset_halt()
        flash.unlock()


def _blame_supply(run):
    # A rail seen low, or a debug port that has forgotten that it was powered up: the chip has been without supply,
    # however short. Raises PowerError then, with the power cut.
    power = run.power
    low = run.ports.rails.capture(_SUPPLY_BACK_MS, 2)["v3v3"][0]
    dp = run.target.dp
    try:
        dp.connect()
        dp.select(0, 0)
        asleep = not dp.read(adi.CTRL_STAT) & adi.POWER_UP_REQUEST
    except WireError:
        asleep = False
    limit = power.limits.rails["v3v3"].low_mv
    if low >= limit:
        if not asleep:
            return
        low = None  # it was over before anybody looked
    power.set_trip("brown-out", "v3v3", low, limit)
    message = "3.3 V dipped while the flash was being written: the chip has lost its supply"
    advice = "check the supply's current limit and the 3.3 V path, then start again: the run goes on where it was"
    raise PowerError("brown-out", message, next_step=advice)


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
