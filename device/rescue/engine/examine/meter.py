# Where the chip does not answer: the rails that this helper has no wire to, from the input on, read by a person.


def read_meter(run):
    """Adds what was read to the evidence; nothing where nobody is there."""
    if run.person is None:
        return
    by_meter = []
    for role in ("input", "between", "logic", "core"):
        name = run.limits.roles.get(role)
        if name is None or run.power.seen(role) is not None:
            continue
        mv = run.person.read("measure this rail against GND: " + name)
        if mv is None:
            break
        run.evidence["rails"]["on"][name] = {"mv": mv, "min_mv": mv, "max_mv": mv}
        by_meter.append(name)
        if mv < run.limits.rails[name].low_mv:
            break  # what lies behind it cannot be better
    if by_meter:
        run.evidence["by_meter"] = by_meter
        run.evidence["unseen"] = [name for name in run.evidence["unseen"] if name not in by_meter]
