# Firmware that asks for a reset as soon as it runs pulls NRST some hundred times a second: attached, nothing can be
# read. Reached through its reset, the core is halted before the first instruction, and where the resets then end they
# were the firmware's own. What goes on is somebody else's.

from rescue.chips.families import prepare
from rescue.debug import connect as rungs
from rescue.hal.ports import wait_for_nrst
from rescuelink.errors import RescueError

_HZ = 1_000_000
_QUIET_MS = 700  # a supervisor that fires is seen by then


def halted(run):
    """Whether the chip was reached so, and is quiet now: then what was begun may be done again."""
    ports, swd = run.ports, run.evidence["swd"]
    if "nrst" in ports.missing or swd["how"] != rungs.ATTACH:
        return False
    run.leave_target()
    ports.nrst_stuck = False  # it falls, so that it has been high
    attempt = {"how": rungs.UNDER_RESET, "hz": _HZ, "result": "ok"}
    swd["tries"].append(attempt)
    try:
        target = rungs.connect(ports, rungs.UNDER_RESET, _HZ, prepare, run.power.cycle)
        wait_for_nrst(ports)
        ports.lines.nrst_edges()
        ports.clock.sleep_ms(_QUIET_MS)
        if ports.lines.nrst_edges():
            attempt["result"] = "reset"
            return False
    except RescueError as error:
        attempt["result"] = error.kind
        return False
    run.target = target
    swd["how"], swd["hz"] = rungs.UNDER_RESET, _HZ
    return True
