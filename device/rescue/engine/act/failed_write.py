# A sector that could not be written: the supply's fault, the sector's, or the wire's?

from rescue.debug import adi_registers as adi
from rescuelink.errors import FlashError, PowerError, WireError

_SUPPLY_BACK_MS = 100
_WORN = "the sector no longer takes what is written to it: replace the microcontroller or the board"
_FINAL = ("write_protected", "read_protected", "secure")


def settle(run, step, error, attempt, is_last):
    """Makes ready for another try at a sector that could not be written; raises `error` where there is none.

    Once a transfer of the run was disturbed, or the unit reset, nothing is blamed on the flash: the sector is tried
    again as long as the wire can be made slower. Without that a second failure is the sector's own;
    never a loop of erases.
    """
    if run.power.is_gone() and not is_last and run.slow_down():
        run.journal_write("retry", {"sector": step["sector"], "kind": error.kind})
        run.chip.flash.unlock()
        return
    if isinstance(error, PowerError):
        raise error
    flash = run.chip.flash
    run.note_resets()
    on_wire = not isinstance(error, FlashError)
    disturbed = on_wire or run.is_disturbed()
    if not disturbed and error.kind in _FINAL:
        raise error  # else it may be a controller that a reset has locked
    _blame_supply(run)
    if error.kind == "verify" and not disturbed:
        flash.by_core = False  # the core may have written wrongly: word by word now
    if not disturbed and attempt > 1:
        error.next_step = error.next_step or _WORN
        raise error
    # Nobody knows how far a disturbed write came: the sector is erased and written again, more slowly.
    if is_last or (disturbed and not run.slow_down()):
        raise error
    run.journal_write("retry", {"sector": step["sector"], "kind": error.kind})
    if disturbed:
        flash.unlock()


def _blame_supply(run):
    # A rail seen low, or a debug port that has forgotten that it was powered up: the chip has been without supply,
    # however short. Raises PowerError then, with the power cut.
    power = run.power
    name = power.seen("logic")
    if power.trip is not None:
        raise _dipped()
    low = run.ports.rails.capture(_SUPPLY_BACK_MS, 2)[name][0] if name is not None else None
    dp = run.target.dp
    try:
        dp.connect()
        dp.select(0, 0)
        asleep = not dp.read(adi.CTRL_STAT) & adi.POWER_UP_REQUEST
    except WireError:
        asleep = False
    name = power.limits.roles["logic"]
    limit = power.limits.rails[name].low_mv
    if low is None or low >= limit:
        if not asleep:
            return
        low = None  # it was over before anybody looked, or nobody sees it
    power.set_trip("brown-out", name, low, limit)
    raise _dipped()


def _dipped():
    message = "the supply of the chip's pins dipped while the flash was being written"
    advice = "check the supply's current limit and the way to that rail, then start again: the run goes on where it was"
    return PowerError("brown-out", message, next_step=advice)
