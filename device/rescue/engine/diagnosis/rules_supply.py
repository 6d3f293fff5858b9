# Rules for the rails of a unit whose power stayed on (docs/reference/unit.md#p1).

from rescue.engine.diagnosis.about_rails import feeds, good, label_of, say, say_rail, values_of, window_of
from rescue.engine.diagnosis.rules_common import CERTAIN, LIKELY, UNDECIDED, name_of, rail_of, unseen
from rescuelink.dead_rails import DEAD_MV

_HELD_DOWN_MV = 300  # what leaks through a converter that stands still is less
_HEAVY_MA = 100  # above the 20..60 mA of a half-on unit without load (docs/reference/unit.md#half-on-current)
_RIPPLE_MV = 100
_SWINGS = 20  # a twentieth of the rail: one that swings by more is pulled down and comes back
_MADE_OF = {"input": ("between", "logic", "core"), "between": ("logic", "core")}

_FLOWS_MA = 50  # more than an ammeter's own zero


def _overloaded(role):
    # The converter limits by itself, so that the bench supply never reaches its own limit: a rail far below its
    # window while the one that feeds it is good and the current is high.
    def rule(evidence):
        rail, ma, feeding = rail_of(evidence, role), evidence["rails"].get("ma"), feeds(evidence, role)
        if rail is None or ma is None or not good(evidence, feeding):
            return None
        low, _ = window_of(evidence, role)
        mv, lines = rail["mv"], [say(evidence, role), say(evidence, feeding)]
        button = evidence["rails"].get("button")
        pulled = button and (button["mv"] >= _HELD_DOWN_MV or (button.get("ma") or 0) >= _HEAVY_MA)
        if pulled and button["rail"] == name_of(evidence, role):
            # The latch was closed by hand, the converter began, and something holds its rail down.
            mv = button["mv"]
            lines.append("with the unit's button held %s comes to %d mV" % (button["rail"], mv))
        elif ma < _HEAVY_MA:
            return None
        if mv >= low // 2:
            return None
        lines.append("supply current %d mA" % ma)
        values = values_of(evidence, role, mv)
        values["ma"], values["above"] = ma, "is up"
        return LIKELY, values, lines, ["no-3v3" if role == "logic" else "no-12v"]

    return rule


def _sense_out(role):
    # Converters step down: what is made of a rail cannot be good while the rail is below it.
    def rule(evidence):
        rail, made = rail_of(evidence, role), [name for name in _MADE_OF[role] if good(evidence, name)]
        if rail is None or good(evidence, role) or unseen(evidence, "power"):
            return None
        if not made:
            return _under_a_chip(evidence, role)
        iso = evidence["rails"]["on"].get("v5iso")
        if role == "between" and iso is not None and iso["mv"] < DEAD_MV["other"]:
            return None  # something pulls both down: 3.3 V is made of little
        (low, high), mv = window_of(evidence, role), rail["mv"]
        if mv >= DEAD_MV[role] and rail["max_mv"] - rail["min_mv"] > mv // _SWINGS:
            return None  # a wire that is off reads steadily what it reads
        least, most = _at_its_input(evidence) if role == "between" else (0, 0)
        certain = mv < rail_of(evidence, made[0])["mv"]
        if not certain and most:
            if most < low or least > high:
                return None  # it is as far out as it reads
            certain = not least - least // 10 <= mv <= most + most // 10
        if mv > high and not certain:
            return None
        values = values_of(evidence, role, mv)
        values["made"] = "%s, which is made of it, is good" % label_of(evidence, made[0])
        lines = [say(evidence, role), say(evidence, made[0])]
        if most:
            lines.append(
                say_rail("v5iso", evidence["rails"]["on"]["v5iso"]) + ": %d..%d mV at its input" % (least, most)
            )
        beside = ["low-supply" if role == "input" else "low-12v"]
        return CERTAIN if certain else LIKELY, values, lines, [] if certain else beside

    return rule


def _under_a_chip(evidence, role):
    # Nothing that is made of the rail is seen but the chip itself: it answers, so it has its supply.
    rail, how = rail_of(evidence, role), (evidence.get("swd") or {}).get("how")
    if rail["mv"] >= DEAD_MV[role] or not how or [name for name in _MADE_OF[role] if rail_of(evidence, name)]:
        return None
    values = values_of(evidence, role, rail["mv"])
    values["made"] = "the chip, which lives on it, answers"
    beside = ["no-supply" if role == "input" else "no-12v"]
    return LIKELY, values, [say(evidence, role), "SWD answers: " + how], beside


def _at_its_input(evidence):
    # (least, most) mV of 12 V, by the isolated 5 V: 5 V loaded to 6 V without load at 12 V, in proportion
    # (docs/reference/unit.md#isolated-5v). (0, 0) where it is not seen.
    rail = evidence["rails"]["on"].get("v5iso")
    if rail is None or rail["mv"] < DEAD_MV["other"] or name_of(evidence, "between") != "v12":
        return 0, 0
    return rail["mv"] * 2, rail["mv"] * 12 // 5


def _sure(evidence, role):
    # (confidence, alternatives). On a unit that others feed, what is made of a rail may be good while the rail is not:
    # it is fed there, or the helper's wire to the rail is off. So it may be where nobody sees what is made of it.
    made = _MADE_OF.get(role, ())
    fed = unseen(evidence, "power") and [name for name in made if good(evidence, name)]
    if fed or (made and not [name for name in made if rail_of(evidence, name)]):
        return LIKELY, ["sense-out"]
    return CERTAIN, []


def _pulled_low(evidence, role, short, source):
    # (confidence, alternatives) of a rail below its window. Below half of it something may take all that comes; and
    # where nobody sees what the rail is made of, that may be low itself.
    confidence, beside = _sure(evidence, role)
    if rail_of(evidence, role)["mv"] < window_of(evidence, role)[0] // 2:
        confidence, beside = LIKELY, beside + [short]
    elif role == "input" and (evidence["rails"].get("ma") or 0) >= _HEAVY_MA:
        confidence, beside = LIKELY, beside + ["over-current"]  # a supply at its own limit gives less
    if source and rail_of(evidence, feeds(evidence, role)) is None:
        confidence, beside = LIKELY, beside + [source]
    return confidence, beside


def _no_supply(evidence):
    rail = rail_of(evidence, "input")
    if rail is None or rail["mv"] >= DEAD_MV["input"]:
        return None
    values = values_of(evidence, "input", rail["mv"])
    values["state"] = (
        "and this helper cannot switch it on" if unseen(evidence, "power") else "with the power switched on"
    )
    confidence, beside = _sure(evidence, "input")
    lines, ma = [say(evidence, "input")], evidence["rails"].get("ma") or 0
    if ma >= _FLOWS_MA:
        # Into a dead input: something there may take all that the supply gives.
        confidence, beside = LIKELY, list(beside) + ["short-input"]
        lines.append("and yet the supply gives %d mA" % ma)
    return confidence, values, lines, beside


def _low_supply(evidence):
    rail = rail_of(evidence, "input")
    if rail is None or rail["mv"] >= window_of(evidence, "input")[0]:
        return None
    values = values_of(evidence, "input", rail["mv"])
    values["limit"] = window_of(evidence, "input")[0]
    next_one = label_of(evidence, "between")
    values["user"] = "unit" if next_one is None else next_one + " converter"
    confidence, beside = _pulled_low(evidence, "input", "short-input", None)
    return confidence, values, [say(evidence, "input")], beside


def _no_vtref(evidence):
    # Without 3.3 V nothing pulls NRST up and VCAP has no source: the rail is there, the helper's wire to it is not.
    rail, nrst = rail_of(evidence, "logic"), evidence.get("nrst")
    if rail is None or rail["max_mv"] >= DEAD_MV["logic"]:
        return None
    values = values_of(evidence, "logic", rail["mv"])
    lines, vcap = [say(evidence, "logic")], rail_of(evidence, "core")
    high = nrst and nrst["level"]
    if high:
        lines.append("NRST high")
    if good(evidence, "core"):
        return CERTAIN, values, lines + [say(evidence, "core")], []
    if not high:
        return None
    # The core supply may be off for a reason of its own: firmware that takes it away.
    return LIKELY, values, lines + ([say(evidence, "core")] if vcap else []), ["no-3v3"]


def _not_on(evidence):
    # Nobody has held the unit's button (unit/button.py), and nothing behind it is up: so looks a unit that is off.
    rails, nrst = evidence["rails"], evidence.get("nrst")
    if rails.get("button") or not (unseen(evidence, "unit_button") or unseen(evidence, "power")):
        return None
    seen = [role for role in ("between", "logic") if rail_of(evidence, role)]
    if [role for role in seen if rail_of(evidence, role)["mv"] >= DEAD_MV[role]] or not seen:
        return None
    if (nrst and nrst["level"]) or good(evidence, "core") or (rails.get("ma") or 0) >= _HEAVY_MA:
        return None
    alternatives = ["no-12v" if seen[0] == "between" else "no-3v3"]
    if rail_of(evidence, "input") is None:
        alternatives.append("no-supply")
    values = values_of(evidence, seen[0], rail_of(evidence, seen[0])["mv"])
    return LIKELY, values, [say(evidence, role) for role in seen], alternatives


def _dead(role):
    def rule(evidence):
        rail = rail_of(evidence, role)
        if rail is None or rail["mv"] >= DEAD_MV[role]:
            return None
        source = feeds(evidence, role)
        values, lines = values_of(evidence, role, rail["mv"]), [say(evidence, role)]
        button = evidence["rails"].get("button")
        if button:
            lines.append("with the unit's button held %s stays at %d mV" % (button["rail"], button["mv"]))
        if rail_of(evidence, source) is None:
            values["above"] = values["source"] + " is not seen by this helper"
            alternatives = ["no-12v"] if source == "between" else []
            if (evidence["rails"].get("ma") or 0) >= _HEAVY_MA:
                alternatives.append("short-3v3" if role == "logic" else "short-12v")  # something takes it
                if source == "between":
                    alternatives.append("short-12v")
            if rail_of(evidence, "input") is None:
                alternatives.append("no-supply")
            if unseen(evidence, "nrst") and role == "logic":
                alternatives.append("no-vtref")  # nobody can tell whether the wire is off
            if unseen(evidence, "power"):
                values["ends_as"] = UNDECIDED  # nobody saw it start, nor what feeds this rail
            return LIKELY, values, lines, alternatives
        values["above"] = values["source"] + (" is there" if source == "input" else " is good")
        confidence, beside = _sure(evidence, role)
        return confidence, values, lines, beside

    return rule


def _low_12v(evidence):
    rail = rail_of(evidence, "between")
    if rail is None or rail["mv"] >= window_of(evidence, "between")[0]:
        return None
    values = values_of(evidence, "between", rail["mv"])
    values["limit"] = window_of(evidence, "between")[0]
    confidence, beside = _pulled_low(evidence, "between", "short-12v", "low-supply")
    return confidence, values, [say(evidence, "between")], beside


def _high_12v(evidence):
    rail = rail_of(evidence, "between")
    if rail is None or rail["mv"] <= window_of(evidence, "between")[1]:
        return None
    values = values_of(evidence, "between", rail["mv"])
    values["limit"] = window_of(evidence, "between")[1]
    return CERTAIN, values, [say(evidence, "between")], []


def _low_3v3(evidence):
    rail = rail_of(evidence, "logic")
    if rail is None:
        return None
    low, high = window_of(evidence, "logic")
    if low <= rail["mv"] <= high:
        return None
    values = values_of(evidence, "logic", rail["mv"])
    values["limit"] = "%d..%d" % (low, high)
    confidence, beside = CERTAIN, []
    if rail["mv"] < low:
        confidence, beside = _pulled_low(evidence, "logic", "short-3v3", "low-12v")
    return confidence, values, [say(evidence, "logic")], beside


def _unsteady_3v3(evidence):
    rail = rail_of(evidence, "logic")
    if rail is None or rail["max_mv"] - rail["min_mv"] <= _RIPPLE_MV:
        return None
    values = values_of(evidence, "logic", rail["mv"])
    values["low"], values["high"] = rail["min_mv"], rail["max_mv"]
    return CERTAIN, values, [say(evidence, "logic")], ["brown-out"]


def _unpowered(evidence):
    # Where no wire goes to 3.3 V, a chip with its supply holds SWDIO high, or lets its pull-up hold NRST.
    nrst, wiring = evidence.get("nrst"), evidence.get("wiring") or {}
    if not unseen(evidence, name_of(evidence, "logic")) or evidence.get("swd") or evidence["rails"].get("trip"):
        return None
    low = nrst and not nrst["level"]
    if low and wiring.get("swdio") == "high":
        return None  # it has its supply, and is held in reset
    lines = ["NRST low"] if low else []
    if wiring.get("swdio") not in (None, "high"):
        lines.append("nothing holds SWDIO high")
    if not lines:
        lines.append("NRST and SWDIO were not held high when they were to be driven")
    seen = [say(evidence, role) for role in ("input", "between") if rail_of(evidence, role)]
    alternatives = ["no-3v3", "low-3v3", "short-3v3", "no-vcap", "held-in-reset"]
    if wiring.get("swdio") not in (None, "high"):
        alternatives += ["open-swd", "swapped-swd"]  # it may be its wire
    if not good(evidence, "between"):
        alternatives = ["no-12v", "short-12v"] + alternatives
    if not good(evidence, "input"):
        alternatives = ["no-supply", "low-supply", "short-input"] + alternatives
    return LIKELY, values_of(evidence, "logic", 0), lines + seen, alternatives


RULES = (
    ("sense-out", _sense_out("input")),
    ("sense-out", _sense_out("between")),
    ("no-supply", _no_supply),
    ("short-3v3", _overloaded("logic")),
    ("short-12v", _overloaded("between")),
    ("low-supply", _low_supply),
    ("not-on", _not_on),
    ("no-12v", _dead("between")),
    ("low-12v", _low_12v),
    ("high-12v", _high_12v),
    ("unpowered", _unpowered),
    ("no-vtref", _no_vtref),
    ("no-3v3", _dead("logic")),
    ("low-3v3", _low_3v3),
    ("unsteady-3v3", _unsteady_3v3),
)
