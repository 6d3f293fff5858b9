# What the rules see of the rails and of the supply, and how they say it.

from rescue.engine.diagnosis.rules_common import name_of, rail_of
from rescuelink.dead_rails import DEFAULT_ROLES

_LABELS = {"bplus": "B+", "v12": "12 V", "v3v3": "3.3 V", "vcap": "VCAP"}
# What a core takes more than in reset, at the supply, converters included: 60 mA of 3.3 V and more at an application's
# clock, 5 mA with code on the internal oscillator (docs/reference/unit.md#core-current).
FAST_MW = 250
_SLOW_MW = 20
_VOS3_MV = 1050  # core supply scaling after reset, at most (docs/reference/chip.md#vos)


def window_of(evidence, role):
    return evidence["expected"]["rails"].get(name_of(evidence, role), (0, 0))


def others(evidence):
    """The rails that were seen and have no role in the rules."""
    named = evidence["expected"].get("roles") or DEFAULT_ROLES
    on = evidence.get("rails", {}).get("on") or {}
    return [name for name in sorted(on) if name not in named.values()]


def good(evidence, role):
    rail = rail_of(evidence, role)
    if rail is None:
        return False
    low, high = window_of(evidence, role)
    return low <= rail["mv"] <= high


def say(evidence, role):
    return say_rail(name_of(evidence, role), rail_of(evidence, role))


def say_rail(name, rail):
    return "%s %d mV (%d..%d)" % (name, rail["mv"], rail["min_mv"], rail["max_mv"])


def label_of(evidence, role):
    """The rail as a sentence calls it."""
    name = name_of(evidence, role)
    return _LABELS.get(name, name)


def roles_in_words(evidence):
    """What stands for {input}, {between} and {logic} in the tables of causes."""
    roles = (evidence.get("expected") or {}).get("roles") or DEFAULT_ROLES
    return {
        role: _LABELS.get(roles.get(role), roles.get(role, "the next rail")) for role in ("input", "between", "logic")
    }


def not_measured(evidence):
    """The unit's rails that the rules look at and this helper has no wire to."""
    roles = evidence["expected"].get("roles") or DEFAULT_ROLES
    on = (evidence.get("rails") or {}).get("on")
    names = [roles[role] for role in ("input", "between", "logic", "core") if role in roles]
    return [name for name in names if on is not None and name not in on]


def draw_of(evidence):
    """(mW that the supply gives more than with the chip in reset, a line that says so), or (None, "")."""
    rails = evidence.get("rails") or {}
    now, reset, bplus = rails.get("ma"), rails.get("reset_ma"), rail_of(evidence, "input")
    if now is None or reset is None or bplus is None:
        return None, ""
    extra = (now - reset) * bplus["mv"] // 1000
    if extra >= FAST_MW:
        what = "as at an application's clock"
    else:
        what = "as on the internal oscillator" if extra >= _SLOW_MW else "nothing executes"
    return extra, "supply %d mA, %d mA with the chip in reset: %s" % (now, reset, what)


def supplied(evidence):
    """Lines that say that firmware runs, whatever the wires say: somebody has raised the core supply above the 1.05 V
    that it has after reset."""
    rail = rail_of(evidence, "core")
    extra, line = draw_of(evidence)
    lines = [line] if extra is not None and extra >= FAST_MW else []
    if rail is not None and rail["mv"] > _VOS3_MV:
        lines.append(say(evidence, "core") + ": the firmware runs")
    return lines


def feeds(evidence, role):
    """The role of the rail that feeds this one."""
    return "between" if role == "logic" and name_of(evidence, "between") is not None else "input"


def values_of(evidence, role, mv):
    """What the sentence of a cause says of a rail."""
    feeding = feeds(evidence, role)
    return {"rail": label_of(evidence, role), "source": label_of(evidence, feeding) or "the supply", "mv": mv}
