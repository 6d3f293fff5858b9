# The rungs of the connect ladder: each tries one way to a core that can be talked to. docs/reference/chip.md.
#
# The order of the rungs, their retries, and everything about power is the engine's. Power is judged good before a rung
# is called; a rung that needs the supply removed calls the `power_cycle` it was given, which returns when the removal
# is proven and the rails are good again, and which leaves NRST as it finds it.

from micropython import const

from rescue.debug.dp import DebugPort
from rescue.debug.target import ATTACH, Target
from rescue.hal.ports import wait_for_nrst
from rescuelink.errors import RescueError, TargetError

UNDER_RESET = "under-reset"
POWER_CYCLE_UNDER_RESET = "power-cycle-under-reset"
BOOT0 = "boot0"
RUNGS = (ATTACH, UNDER_RESET, POWER_CYCLE_UNDER_RESET, BOOT0)

_NRST_LOW_MS = const(2)
_BOOT0_HOLD_MS = const(15)  # latched shortly after reset release
_ROM_START_MS = const(100)  # the system bootloader is up after 54 ms (AN2606)


def connect(ports, how, hz=1000000, prepare=None, power_cycle=None):
    """Try the rung `how` at `hz` and return the Target, or raise with the pins as they were before.

    prepare(target): as soon as the access ports are known (chips/families.py).
    """
    try:
        if how == ATTACH:
            return _attach(ports, how, hz, prepare)
        if how == UNDER_RESET:
            return _under_reset(ports, how, hz, prepare, None)
        if how == POWER_CYCLE_UNDER_RESET and power_cycle is not None:
            return _under_reset(ports, how, hz, prepare, power_cycle)
        if how == BOOT0 and power_cycle is not None:
            return _boot0(ports, how, hz, prepare, power_cycle)
    except RescueError:
        ports.wire.release()
        ports.lines.nrst(False)
        ports.lines.boot0(None)
        raise
    raise TargetError("rung", "there is no way to connect called '" + how + "' here")


def _attach(ports, how, hz, prepare):
    """Only look: the core goes on with whatever it is doing."""
    wire = ports.wire
    wire.engage()
    wire.set_frequency(hz)
    dp = DebugPort(wire, ports.clock)
    dp.connect()
    dp.power_up()
    target = Target(dp, how, hz)
    if prepare is not None:
        prepare(target)
    return target


def _under_reset(ports, how, hz, prepare, power_cycle):
    """Halted at the reset vector: the firmware executes nothing."""
    ports.lines.nrst(True)
    ports.clock.sleep_ms(_NRST_LOW_MS)
    if ports.lines.nrst_level():
        raise TargetError("nrst", "NRST stays high although it is pulled low")
    if power_cycle is not None:
        ports.wire.release()
        power_cycle()
    target = _attach(ports, how, hz, prepare)
    target.core.catch_reset()
    _let_go_of_reset(ports)
    target.core.wait_caught()
    return target


def _boot0(ports, how, hz, prepare, power_cycle):
    """Into the system bootloader, so that the flash's own firmware never sets the core supply after power-on."""
    ports.wire.release()
    # BOOT0 is driven only once the chip has power, under a reset that was held through power-on.
    ports.lines.nrst(True)
    power_cycle()
    ports.lines.boot0(True)
    ports.clock.sleep_ms(_NRST_LOW_MS)
    _let_go_of_reset(ports)
    ports.clock.sleep_ms(_BOOT0_HOLD_MS)
    ports.lines.boot0(None)
    ports.clock.sleep_ms(_ROM_START_MS)
    target = _attach(ports, how, hz, prepare)
    target.core.halt()
    return target


def _let_go_of_reset(ports):
    ports.lines.nrst(False)
    wait_for_nrst(ports)
    if ports.nrst_stuck:
        raise TargetError("timeout", "NRST stays low with nothing of ours on it")
