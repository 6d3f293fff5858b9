# The long watch, where the job asks for it: the unit is on, nobody touches it, and whatever moves is written down.
#
# An AFE that hears nothing from its MCU switches the MCU's regulator off after some time, up to a minute
# (docs/reference/unit.md#afe-regulator): a rail that goes away with a silent MCU is no short then.

from rescue.engine.unit.nrst_watch import watch_reset

_SLICE_MS = 500
_PERIOD_MS = 10


def watch(run):
    """evidence["watch"] = {"s", "rails": {name: [min_mv, max_mv]}, "edges", "dropped": None | {"rail", "s"}}.

    After a drop the unit is switched off and on again, so that the work begins with the AFE's time anew.
    """
    power, clock = run.power, run.ports.clock
    found = {"s": run.limits.watch_s, "rails": {}, "edges": 0, "dropped": None}
    run.evidence["watch"] = found
    seen = found["rails"]
    run.ports.lines.nrst_edges()
    start = clock.ms()
    while clock.since_ms(start) < run.limits.watch_s * 1000 and power.trip is None and found["dropped"] is None:
        clock.feed()
        rails = run.ports.rails.capture(_SLICE_MS, _PERIOD_MS)
        for name in rails:
            if name not in run.limits.rails or power.trip is not None:
                continue
            low, mean, high = rails[name]
            window = run.limits.rails[name]
            if high > window.danger_mv:
                power.set_trip("over-voltage", name, high, window.danger_mv)
            if name in seen:
                low, high = min(low, seen[name][0]), max(high, seen[name][1])
            seen[name] = [low, high]
            if run.limits.role_of(name) in ("between", "logic") and mean < window.low_mv // 2:
                found["dropped"] = {"rail": name, "s": clock.since_ms(power.started_ms) // 1000}
    found["edges"] = run.ports.lines.nrst_edges()
    run.observer.event("watch", found)
    from rescue.engine.unit import power_cycle

    if found["dropped"] is not None and power.can_switch():
        power_cycle.off(power)
        run.evidence["rails"]["on"] = power_cycle.energise(power)
        if "nrst" in run.evidence:
            run.evidence["nrst"] = watch_reset(run.ports, run.limits.nrst_window_ms)
    if power.trip is not None:
        run.evidence["rails"]["trip"] = power.trip
        run.skip_to("diagnosis")
