# Rules for what was found before the power came on, and for what cut it again (docs/reference/unit.md#p0, #p1).

from rescue.engine.diagnosis.about_rails import feeds, say, values_of
from rescue.engine.diagnosis.rules_common import CERTAIN, LIKELY, name_of, rail_of, unseen


def _trip_of(evidence, kind, role=None):
    trip = evidence.get("rails", {}).get("trip")
    if trip is None or trip["kind"] != kind or (role is not None and trip["rail"] != name_of(evidence, role)):
        return None
    return trip


def _depth(trip):
    return "not seen how far" if trip["mv"] is None else "%d mV" % trip["mv"]


def _trip_line(trip):
    line = "%s trip on %s: %s" % (trip["kind"], trip["rail"], _depth(trip))
    if trip["ma"] is not None:
        line += ", %d mA" % trip["ma"]
    return line + ", cut %d ms after power on" % trip["ms"]


def _backfeed(evidence):
    trip = _trip_of(evidence, "backfeed")
    if trip is None:
        return None
    return CERTAIN, trip, ["%s %d mV with everything off" % (trip["rail"], trip["mv"])], []


def _of_trip(evidence, trip):
    # What was done about it is said as it was: a helper without a switch cuts nothing.
    values = dict(trip)
    done = "Everything was let go: this helper cannot switch it off." if unseen(evidence, "power") else "Power was cut."
    values["done"] = done
    return values


def _over_voltage(evidence):
    trip = _trip_of(evidence, "over-voltage")
    return None if trip is None else (CERTAIN, _of_trip(evidence, trip), [_trip_line(trip)], [])


def _over_current(evidence):
    trip = _trip_of(evidence, "over-current")
    return None if trip is None else (CERTAIN, _of_trip(evidence, trip), [_trip_line(trip)], ["short-input"])


def _brown_out(evidence):
    trip = _trip_of(evidence, "brown-out")
    if trip is None:
        return None
    values = _of_trip(evidence, trip)
    values["depth"] = _depth(trip)
    if evidence.get("silent"):
        return LIKELY, values, [_trip_line(trip)], ["afe-watchdog"]  # it went away with nobody at work, too
    return CERTAIN, values, [_trip_line(trip)], ["low-supply", "low-3v3"]


def _short(role):
    # A short trip with this rail the one that did not come up.
    def rule(evidence):
        trip = _trip_of(evidence, "short", role)
        if trip is None:
            return None
        values = values_of(evidence, role, trip["mv"])
        values["ma"] = trip["ma"]
        values["above"] = "is up" if rail_of(evidence, feeds(evidence, role)) else "is not seen by this helper"
        seen = [say(evidence, name) for name in ("input", "between", "logic") if rail_of(evidence, name)]
        return CERTAIN, values, [_trip_line(trip)] + seen, []

    return rule


RULES = (
    ("backfeed", _backfeed),
    ("over-voltage", _over_voltage),
    ("short-3v3", _short("logic")),
    ("short-12v", _short("between")),
    ("short-input", _short("input")),
    ("over-current", _over_current),
    ("brown-out", _brown_out),
)
