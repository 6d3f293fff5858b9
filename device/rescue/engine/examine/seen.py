# What this helper sees of the unit, and whether it is good.

_WIRES = ("power", "nrst", "boot0", "unit_button", "pulls")


def unseen(run):
    """Rails and wires of the unit that this helper does without: what a rule is silent about for want of them."""
    found = run.power.unseen()
    if run.power.by_hand() and not run.power.cycles:
        found.append("power")  # it was on before, and nobody has seen it off
    found += [name for name in run.ports.missing if name in _WIRES]
    if "nrst_level" in run.ports.missing:
        found.append("nrst")
    if run.ports.rails.current_ma() is None:
        found.append("current")
    return found


def is_good(run, role):
    """Whether the rail of that role was seen within its window."""
    name = run.power.seen(role)
    if name is None:
        return False
    window, rail = run.limits.rails[name], run.evidence["rails"]["on"][name]
    return window.low_mv <= rail["mv"] <= window.high_mv
