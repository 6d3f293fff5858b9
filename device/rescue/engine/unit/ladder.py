# The connect ladder: the cheapest way first, every try kept as evidence.
#
# No answer, WAIT, FAULT and a wrong ID are different findings. A first failure under reset is tried once more: the halt
# races the start-up on some parts (probe-rs issue 4113); that it happened stays in the list of tries.

from rescue.debug import connect as rungs
from rescuelink.dead_rails import LOGIC
from rescuelink.errors import PowerError, RescueError

_BY_HAND = ("no_switch", "no_boot0")  # kinds of by_hand.py
_START_HZ = 1_000_000
_SLOW_HZ = 100_000
_CHECKS = 16
_HELPERS_HZ = 4_000_000  # of a job that names no clock: what a helper's wires carry

_LADDER = (
    (rungs.ATTACH, _START_HZ),
    (rungs.ATTACH, _SLOW_HZ),
    (rungs.UNDER_RESET, _START_HZ),
    (rungs.UNDER_RESET, _START_HZ),
    (rungs.POWER_CYCLE_UNDER_RESET, _START_HZ),
    (rungs.BOOT0, _START_HZ),
    (rungs.BOOT0, _START_HZ),
)


def connect(ports, power, limits, prepare, explain=None):
    """(target or None, evidence["swd"]). Raises PowerError only, when the rails go wrong on the way.

    explain() is asked once when attaching has failed: True ends the ladder before it takes the power away.
    """
    hopeless = False
    tries = []
    swd = {"how": None, "hz": None, "tries": tries, "dpidr": None, "aps": {}}
    for how, hz in _LADDER:
        ports.clock.feed()
        if not _can_try(ports, power, how):
            continue
        if how == rungs.UNDER_RESET and explain is not None:
            hopeless, explain = explain(), None
        elif how == rungs.POWER_CYCLE_UNDER_RESET and hopeless:
            break
        elif how == rungs.BOOT0 and ports.nrst_stuck and tries[-1]["how"] == how:
            break  # a chip that stays in reset is not reached by doing the same once more
        attempt = {"how": how, "hz": hz, "result": "ok"}
        tries.append(attempt)
        try:
            target = rungs.connect(ports, how, hz, prepare, power.cycle)
            wanted_hz = limits.swd_hz
            if wanted_hz == _HELPERS_HZ:
                wanted_hz = getattr(ports.wire, "usual_hz", wanted_hz)  # a debug probe is made for more
            swd["hz"] = _raise_clock(ports.wire, target, hz, wanted_hz)
        except PowerError as error:
            if error.kind in _BY_HAND:
                tries.remove(attempt)  # the person cannot: it was not tried
                continue
            attempt["result"] = "power"
            if error.kind == "no_vtref" and power.is_on and power.seen(LOGIC) is None:
                break  # with NRST held only SWDIO could have shown the supply, and it is what does not answer
            raise
        except RescueError as error:
            attempt["result"] = error.kind
            if error.kind == "other_family":
                swd["family"] = error.found
                break
            continue
        swd["how"] = how
        swd["dpidr"] = target.dpidr
        swd["aps"] = target.aps
        return target, swd
    return None, swd


def _can_try(ports, power, how):
    # A rung needs the wires that it moves.
    missing = ports.missing
    if how == rungs.ATTACH:
        return True
    if "nrst" in missing:
        return False
    if how == rungs.UNDER_RESET:
        return True
    return power.can_switch() and not (how == rungs.BOOT0 and how in missing)


def _raise_clock(wire, target, now_hz, wanted_hz):
    # Up to the wanted clock, if the identity registers still read the same there; else back.
    if now_hz < _START_HZ or wanted_hz <= now_hz:
        return now_hz
    wire.set_frequency(wanted_hz)
    try:
        for _ in range(_CHECKS):
            if target.dp.read(0) != target.dpidr or target.ap0.idr() != target.aps["0"]:
                break
        else:
            return wire.frequency_hz
    except RescueError:
        pass  # too fast for this wiring: that is what is being found out
    wire.set_frequency(now_hz)
    target.dp.connect()
    target.dp.power_up()
    return _raise_clock(wire, target, now_hz, _HELPERS_HZ) if wanted_hz > _HELPERS_HZ else wire.frequency_hz
