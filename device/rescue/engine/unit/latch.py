# Can the unit switch itself off? The job names the pin that lets the latch fall (docs/reference/unit.md#latch-test).
#
# The core is halted after a reset, and the pin is driven through the chip's own GPIO registers. With a sound switch the
# rail behind it goes within moments and takes the chip with it; with a shorted MOSFET it stays.

from rescuelink.errors import RescueError

_FALL_MS = 500
_PERIOD_MS = 5


def test(run):
    """evidence["latch"] = {"pin", "mv", "fell", "ms"}; leaves the unit off where the latch works. Raises WireError."""
    name = run.power.seen("between")
    if name is None or run.power.by_hand() or not run.power.can_switch():
        return  # nobody would see it fall, or could give it back
    pin, level = run.job.latch
    run.target.family.drive_pin(run.target.ap0, pin, level)
    run.ports.lines.unit_button(False)
    clock = run.ports.clock
    start = clock.ms()
    gone_mv = run.limits.rails[name].low_mv // 2  # the converter no longer runs
    mv = run.ports.rails.read_mv(name)
    while mv >= gone_mv and clock.since_ms(start) < _FALL_MS:
        clock.sleep_ms(_PERIOD_MS)
        mv = run.ports.rails.read_mv(name)
    run.evidence["latch"] = {"pin": pin, "mv": mv, "fell": mv < gone_mv, "ms": clock.since_ms(start)}
    run.observer.event("latch", run.evidence["latch"])
    try:
        run.target.core.reset_halt()  # the pin is let go again
    except RescueError:
        return  # no power, no chip
