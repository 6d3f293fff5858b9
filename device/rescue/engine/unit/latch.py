# Can the unit switch itself off? The job names the pin that lets the latch fall (docs/reference/unit.md#latch-test).
#
# The core is halted after a reset, and the pin is driven through the chip's own GPIO registers. With a sound switch the
# 12 V rail goes within moments and takes the chip with it; with a shorted MOSFET it stays.

from rescuelink.errors import RescueError

_FALL_MS = 500
_GONE_MV = 6000  # half of 12 V: the converter no longer runs
_PERIOD_MS = 5


def test(run):
    """evidence["latch"] = {"pin", "mv", "fell", "ms"}; leaves the unit off where the latch works. Raises WireError."""
    if "v12" not in run.ports.rails.names:
        return  # nobody would see it fall
    pin, level = run.job.latch
    run.target.family.drive_pin(run.target.ap0, pin, level)
    run.ports.lines.unit_button(False)
    clock = run.ports.clock
    start = clock.ms()
    mv = run.ports.rails.read_mv("v12")
    while mv >= _GONE_MV and clock.since_ms(start) < _FALL_MS:
        clock.sleep_ms(_PERIOD_MS)
        mv = run.ports.rails.read_mv("v12")
    run.evidence["latch"] = {"pin": pin, "mv": mv, "fell": mv < _GONE_MV, "ms": clock.since_ms(start)}
    run.observer.event("latch", run.evidence["latch"])
    try:
        run.target.core.reset_halt()  # the pin is let go again
    except RescueError:
        return  # no power, no chip
