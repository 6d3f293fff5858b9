# Rules for the supply and the rails: power off, power on (docs/reference/unit.md#p0, #p1).

from rescue.engine.diagnosis.rules_common import (
    CERTAIN,
    LIKELY,
    depth,
    good,
    rail_of,
    say,
    trip_line,
    trip_of,
    window_of,
)
from rescuelink.dead_rails import DEAD_MV

_HELD_DOWN_MV = 300  # what leaks through a converter that stands still is less
_HEAVY_MA = 100  # above the 20..60 mA of a half-on unit without load (docs/reference/unit.md#half-on-current)
_RIPPLE_MV = 100
# Rail: what is said of the one that feeds it, that one, and what it is where nobody sees that one.
_ABOVE = {
    "v12": ("bplus", "B+ is there", "B+ is not seen by this helper", "no-supply"),
    "v3v3": ("v12", "12 V is good", "12 V is not seen by this helper", "no-12v"),
}

# --- P0: before and at power on ---


def _backfeed(evidence):
    trip = trip_of(evidence, "backfeed")
    if trip is None:
        return None
    return CERTAIN, trip, ["%s %d mV with everything off" % (trip["rail"], trip["mv"])], []


def _over_voltage(evidence):
    trip = trip_of(evidence, "over-voltage")
    return None if trip is None else (CERTAIN, trip, [trip_line(trip)], [])


def _over_current(evidence):
    trip = trip_of(evidence, "over-current")
    return None if trip is None else (CERTAIN, trip, [trip_line(trip)], ["short-input"])


def _brown_out(evidence):
    trip = trip_of(evidence, "brown-out")
    if trip is None:
        return None
    return CERTAIN, {"rail": trip["rail"], "depth": depth(trip)}, [trip_line(trip)], ["low-supply", "low-3v3"]


# --- P1: rails ---


def _short(rail):
    # A short trip with this rail the one that did not come up.
    def rule(evidence):
        trip = trip_of(evidence, "short", rail)
        if trip is None:
            return None
        values = dict(trip)
        values["above"] = "is up" if rail_of(evidence, "v12") else "is not seen by this helper"
        lines = [trip_line(trip)]
        lines += [say(name, rail_of(evidence, name)) for name in ("bplus", "v12", "v3v3") if rail_of(evidence, name)]
        return CERTAIN, values, lines, []

    return rule


def _overloaded(name, feeding):
    # The converter limits by itself, so that the bench supply never reaches its own limit: a rail far below its
    # window while the one that feeds it is good and the current is high.
    def rule(evidence):
        rail, ma = rail_of(evidence, name), evidence["rails"].get("ma")
        if rail is None or ma is None or not good(evidence, feeding):
            return None
        low, _ = window_of(evidence, name)
        mv, lines = rail["mv"], [say(name, rail), say(feeding, rail_of(evidence, feeding))]
        button = evidence["rails"].get("button")
        pulled = button and (button["mv"] >= _HELD_DOWN_MV or (button.get("ma") or 0) >= _HEAVY_MA)
        if pulled and button["rail"] == name:
            # The latch was closed by hand, the converter began, and something holds its rail down.
            mv = button["mv"]
            lines.append("with the unit's button held %s comes to %d mV" % (name, mv))
        elif ma < _HEAVY_MA:
            return None
        if mv >= low // 2:
            return None
        lines.append("supply current %d mA" % ma)
        return LIKELY, {"mv": mv, "ma": ma, "above": "is up"}, lines, ["no-3v3" if name == "v3v3" else "no-12v"]

    return rule


def _no_supply(evidence):
    rail = rail_of(evidence, "bplus")
    if rail is None or rail["mv"] >= DEAD_MV["bplus"]:
        return None
    return CERTAIN, rail, [say("bplus", rail)], []


def _low_supply(evidence):
    rail = rail_of(evidence, "bplus")
    low, _ = window_of(evidence, "bplus")
    if rail is None or rail["mv"] >= low:
        return None
    return CERTAIN, {"mv": rail["mv"], "limit": low}, [say("bplus", rail)], []


def _no_vtref(evidence):
    # Without 3.3 V nothing pulls NRST up and VCAP has no source: the rail is there, the helper's wire to it is not.
    rail, nrst = rail_of(evidence, "v3v3"), evidence.get("nrst")
    if rail is None or rail["max_mv"] >= DEAD_MV["v3v3"]:
        return None
    lines, vcap = [say("v3v3", rail)], rail_of(evidence, "vcap")
    high = nrst and nrst["level"]
    if high:
        lines.append("NRST high")
    if good(evidence, "vcap"):
        return CERTAIN, {}, lines + [say("vcap", vcap)], []
    if not high:
        return None
    # The core supply may be off for a reason of its own: firmware that takes it away.
    return LIKELY, {}, lines + ([say("vcap", vcap)] if vcap else []), ["no-3v3"]


def _dead(name):
    def rule(evidence):
        rail = rail_of(evidence, name)
        if rail is None or rail["mv"] >= DEAD_MV[name]:
            return None
        source, there, unseen, alternative = _ABOVE[name]
        values, lines = dict(rail), [say(name, rail)]
        values["above"] = there
        button = evidence["rails"].get("button")
        if button:
            lines.append("with the unit's button held %s stays at %d mV" % (button["rail"], button["mv"]))
        if rail_of(evidence, source) is None:
            values["above"] = unseen
            return LIKELY, values, lines, [alternative]
        return CERTAIN, values, lines, []

    return rule


def _low_12v(evidence):
    rail = rail_of(evidence, "v12")
    low, _ = window_of(evidence, "v12")
    if rail is None or rail["mv"] >= low:
        return None
    return CERTAIN, {"mv": rail["mv"], "limit": low}, [say("v12", rail)], []


def _high_12v(evidence):
    rail = rail_of(evidence, "v12")
    _, high = window_of(evidence, "v12")
    if rail is None or rail["mv"] <= high:
        return None
    return CERTAIN, {"mv": rail["mv"], "limit": high}, [say("v12", rail)], []


def _low_3v3(evidence):
    rail = rail_of(evidence, "v3v3")
    low, high = window_of(evidence, "v3v3")
    if rail is None or low <= rail["mv"] <= high:
        return None
    return CERTAIN, {"mv": rail["mv"], "limit": "%d..%d" % (low, high)}, [say("v3v3", rail)], []


def _unsteady_3v3(evidence):
    rail = rail_of(evidence, "v3v3")
    if rail is None or rail["max_mv"] - rail["min_mv"] <= _RIPPLE_MV:
        return None
    return CERTAIN, {"low": rail["min_mv"], "high": rail["max_mv"]}, [say("v3v3", rail)], ["brown-out"]


RULES = (
    ("backfeed", _backfeed),
    ("over-voltage", _over_voltage),
    ("short-3v3", _short("v3v3")),
    ("short-12v", _short("v12")),
    ("short-input", _short("bplus")),
    ("over-current", _over_current),
    ("brown-out", _brown_out),
    ("no-supply", _no_supply),
    ("short-3v3", _overloaded("v3v3", "v12")),
    ("short-12v", _overloaded("v12", "bplus")),
    ("low-supply", _low_supply),
    ("no-12v", _dead("v12")),
    ("low-12v", _low_12v),
    ("high-12v", _high_12v),
    ("no-vtref", _no_vtref),
    ("no-3v3", _dead("v3v3")),
    ("low-3v3", _low_3v3),
    ("unsteady-3v3", _unsteady_3v3),
)
