# power.*: the unit's supply, within the limits of the engine (rescue.engine.power).

from rescue.engine.unit import power_cycle
from rescue.link.log import note
from rescue.link.unit import power


def on(work):
    """Energise within limits; without a switch the rails are only looked at.

    {"rails": {name: {"mv", "min_mv", "max_mv"}}, "trip": nil or what cut it, "ma"}"""
    supply = power(work)
    rails = power_cycle.energise(supply)
    if supply.trip is not None:
        note(work, "cut", "%s on %s" % (supply.trip["kind"], supply.trip["rail"]))
    return {"rails": rails, "trip": supply.trip, "ma": supply.current_ma}


def off(work):
    """Off, and the proof of it: every rail below the limit. {"rails": ...}. Raises PowerError (no_discharge).

    Without a switch every line is let go, and the rails are as they are.
    """
    work.make_safe()
    return {"rails": power_cycle.off(power(work))}


def cycle(work):
    """A proven removal and a new start. Raises PowerError."""
    work.make_safe()
    power_cycle.cycle(power(work))
    return status(work)


def sense(work):
    """Everything off and let go; what stays up is a backfeed. {"rails": ..., "trip": ...}"""
    work.make_safe()
    rails = power_cycle.sense_off(power(work))
    return {"rails": rails, "trip": power(work).trip}


def status(work):
    """{"on", "trip", "cycles", "ma", "switch": whether this helper can switch the unit}"""
    supply = power(work)
    found = {"on": supply.is_on, "trip": supply.trip, "cycles": supply.cycles, "ma": supply.current_ma}
    found["switch"] = supply.can_switch()
    return found


CALLS = {
    "on": (on, ""),
    "off": (off, ""),
    "cycle": (cycle, ""),
    "sense": (sense, ""),
    "status": (status, ""),
}
