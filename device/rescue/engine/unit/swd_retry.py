# A slower SWCLK after a disturbed transfer.

from rescue.engine.unit.same_unit import check_unit
from rescue.hal.ports import wait_for_nrst
from rescuelink.errors import RescueError

_SLOWER_HZ = (1_000_000, 250_000, 100_000, 50_000, 25_000)
_CONTACT_MS = 2000  # a contact that is lost for longer is looked for by the whole ladder
_LOOK_MS = 50
_HALTED = ("backup", "act", "verify")  # steps that find the core in reset halt, and do not make it so themselves


def slow_down(run):
    """A slower SWCLK after a disturbed transfer, and the debug port found again. False when there is none left.

    After a reset by somebody else the wire is as good as before: then only the chip is found again.
    """
    if run.target is None:
        return False
    if run.power.is_gone():
        return power_again(run)
    slower = run.ports.wire.frequency_hz
    how = "after-reset"
    spoilt, again = run.resets.spoilt()
    if spoilt and not again:
        return False
    if not spoilt:
        how = "slower"
        left = [hz for hz in _SLOWER_HZ if hz < slower]
        if not left:
            return False
        fast, slower = slower, left[0]
        run.ports.wire.set_frequency(slower)
        if run.ports.wire.frequency_hz >= fast:
            return False  # a debug probe has a slowest clock of its own
    attempt = {"how": how, "hz": slower, "result": "ok"}
    run.note_tries([attempt])
    if run.chip is not None:
        run.chip.digest.forget()  # what disturbed the wire may also have written where it should not
    try:
        wait_for_nrst(run.ports)  # it may be a reset that has disturbed it
        attempt["result"] = _find(run)
        if attempt["result"] != "ok" and not _climb(run, slower):
            return False
        run.target.family.prepare(run.target)  # it may have been without power
        check_unit(run)
        _halt(run)
    except RescueError as error:
        attempt["result"] = error.kind
        return False
    run.evidence["swd"]["hz"] = run.ports.wire.frequency_hz
    run.resets.again(run.target.core)
    return True


def power_again(run):
    """As slow_down(), where the chip's supply has gone away, or is about to (silent.py)."""
    from rescue.engine.unit import silent

    if not silent.power_again(run):
        return False
    try:
        _halt(run)
    except RescueError:
        return False
    return True


def _halt(run):
    if run.step in _HALTED:
        run.target.core.reset_halt()
        run.chip.freeze_watchdogs()


def _find(run):
    # "ok", or what the last look for the debug port ended with: a contact may come back.
    clock = run.ports.clock
    start = clock.ms()
    while True:
        try:
            run.target.dp.connect()
            run.target.dp.power_up()
            return "ok"
        except RescueError as error:
            if clock.since_ms(start) > _CONTACT_MS:
                return error.kind
        clock.feed()
        clock.sleep_ms(_LOOK_MS)


def _climb(run, hz):
    # The whole ladder once more. A write under way knows the chip that was: it ends, and the next run goes on.
    if run.erase_begun or run.chip is None:
        return False
    from rescue.chips.families import prepare
    from rescue.engine.unit import ladder

    run.disturbed += run.target.dp.disturbed + run.chip.flash.resends
    run.target.dp.disturbed = run.chip.flash.resends = 0
    target, swd = ladder.connect(run.ports, run.power, run.limits, prepare)
    run.note_tries(swd["tries"])
    if target is None:
        return False
    if run.ports.wire.frequency_hz > hz:
        run.ports.wire.set_frequency(hz)
    run.target, run.chip = target, target.family.open_chip(target, run.ports.clock)
    return True
