# power.*: the unit's supply, within the limits of the engine (rescue.engine.power).


def on(bench):
    """Energise within limits. {"rails": {name: {"mv", "min_mv", "max_mv"}}, "trip": nil or what cut it, "ma"}"""
    power = bench.power
    rails = power.energise()
    return {"rails": rails, "trip": power.trip, "ma": power.current_ma}


def off(bench):
    """Off, and the proof of it: every rail below the limit. {"rails": ...}. Raises PowerError (no_discharge)."""
    bench.make_safe()
    return {"rails": bench.power.off()}


def cycle(bench):
    """A proven removal and a new start. Raises PowerError."""
    bench.make_safe()
    bench.power.cycle()
    return status(bench)


def sense(bench):
    """Everything off and let go; what stays up is a backfeed. {"rails": ..., "trip": ...}"""
    bench.make_safe()
    rails = bench.power.sense_off()
    return {"rails": rails, "trip": bench.power.trip}


def status(bench):
    """{"on", "trip", "cycles", "ma"}"""
    power = bench.power
    return {"on": power.is_on, "trip": power.trip, "cycles": power.cycles, "ma": power.current_ma}


CALLS = {
    "on": (on, ""),
    "off": (off, ""),
    "cycle": (cycle, ""),
    "sense": (sense, ""),
    "status": (status, ""),
}
