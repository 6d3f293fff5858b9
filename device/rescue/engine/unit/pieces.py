# Work on a unit that is taken away every second or two: reset by a watchdog chip whose input nobody serves while the
# firmware stands, or left without supply by a front end that hears nothing (silent.py). It is done piece by piece.

from rescuelink.errors import FlashError, PowerError, TargetError, WireError

_LOOK_MS = 10
_LARGE_BYTES = 65536
_LARGE_MS = 1600  # to erase and write a sector of 128 KiB (docs/reference/chip.md#flash-times)
_SMALL_MS = 300


def was_taken(run):
    """Whether somebody else has reset the unit, or its supply has gone, since this was last settled."""
    run.note_resets()
    return run.resets.fresh or run.power.is_gone()


def make_room(run, size):
    """Where the supply is known to go away: the power anew, if a sector of that size would not be done before."""
    if run.resets.silent_ms is None:
        return
    needed_ms = _LARGE_MS if size >= _LARGE_BYTES else _SMALL_MS
    late = run.ports.clock.since_ms(run.power.started_ms) + needed_ms > run.resets.silent_ms
    if late:
        from rescue.engine.unit.swd_retry import power_again

        if power_again(run):
            run.chip.flash.unlock()


def in_pieces(run, read, *arguments):
    """read(run, ...), which changes nothing, and again where a reset has spoilt it: what was done before is kept."""
    again = False
    while True:
        try:
            found = read(run, *arguments)
        except (FlashError, PowerError, TargetError, WireError):
            if not was_taken(run) or not run.slow_down():
                raise
            again = True
            continue
        if again:
            run.resets.progressed()
        return found


def wait_for_next(run):
    """Until the next reset is over, so that what follows has all the time until the one after it; not for ever."""
    period_ms = run.resets.found()["period_ms"]
    if period_ms is None:
        return
    clock = run.ports.clock
    start = clock.ms()
    while not run.resets.fresh and clock.since_ms(start) < 2 * period_ms:
        run.power.check()
        clock.sleep_ms(_LOOK_MS)
        run.note_resets()
    if run.resets.fresh and run.slow_down():
        run.chip.flash.unlock()
