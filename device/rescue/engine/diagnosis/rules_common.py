# What the rules of the diagnosis look at, and how they say it.

CERTAIN = "certain"
LIKELY = "likely"

_RESET_EDGES = 3
# What a core takes more than in reset, at the supply, converters included: 60 mA of 3.3 V and more at an application's
# clock, 5 mA with code on the internal oscillator (docs/reference/unit.md#core-current).
FAST_MW = 250
_SLOW_MW = 20


def rail_of(evidence, name):
    on = evidence.get("rails", {}).get("on") or {}
    return on.get(name)


def window_of(evidence, name):
    return evidence["expected"]["rails"][name]


def good(evidence, name):
    rail = rail_of(evidence, name)
    if rail is None:
        return False
    low, high = window_of(evidence, name)
    return low <= rail["mv"] <= high


def say(name, rail):
    return "%s %d mV (%d..%d)" % (name, rail["mv"], rail["min_mv"], rail["max_mv"])


def trip_of(evidence, kind, rail=None):
    trip = evidence.get("rails", {}).get("trip")
    if trip is None or trip["kind"] != kind or (rail is not None and trip["rail"] != rail):
        return None
    return trip


def depth(trip):
    return "not seen how far" if trip["mv"] is None else "%d mV" % trip["mv"]


def trip_line(trip):
    line = "%s trip on %s: %s" % (trip["kind"], trip["rail"], depth(trip))
    if trip["ma"] is not None:
        line += ", %d mA" % trip["ma"]
    return line + ", cut %d ms after power on" % trip["ms"]


def owned_sectors(evidence):
    """Those that tell something: where the image itself is blank, a blank sector is no sign of anything."""
    return [sector for sector in evidence.get("sectors") or () if sector["owned"] and not sector.get("erased")]


def wrong_sectors(evidence):
    return [sector for sector in owned_sectors(evidence) if sector["state"] != "match"]


def boot_sector(evidence):
    boot = evidence["expected"]["boot_address"]
    for sector in evidence.get("sectors") or ():
        if sector["address"] <= boot < sector["address"] + sector["size"]:
            return sector
    return None


def map_line(evidence):
    return "sector " + ", ".join("%d %s" % (s["index"], s["state"]) for s in evidence["sectors"])


def core_line(evidence):
    core = evidence.get("core") or {}
    line = "core " + str(core.get("state"))
    if core.get("clock_hz"):
        line += ", clock %.1f MHz" % (core["clock_hz"] / 1e6)
    return line


def draw_of(evidence):
    """(mW that the supply gives more than with the chip in reset, a line that says so), or (None, "")."""
    rails = evidence.get("rails") or {}
    now, reset, bplus = rails.get("ma"), rails.get("reset_ma"), rail_of(evidence, "bplus")
    if now is None or reset is None or bplus is None:
        return None, ""
    extra = (now - reset) * bplus["mv"] // 1000
    if extra >= FAST_MW:
        what = "as at an application's clock"
    else:
        what = "as on the internal oscillator" if extra >= _SLOW_MW else "nothing executes"
    return extra, "supply %d mA, %d mA with the chip in reset: %s" % (now, reset, what)


def reset_loop(evidence):
    """A rule of two tables: where the loop keeps SWD from working, and where the flash was found in order."""
    nrst = evidence.get("nrst")
    if not nrst:
        return None
    later = nrst.get("later")
    if nrst["edges"] < _RESET_EDGES and later and later["edges"] >= _RESET_EDGES:
        # Too seldom for the look at the beginning: it has shown itself in the map.
        nrst = {"edges": later["edges"], "window_ms": later["period_ms"] * later["edges"]}
    if nrst["edges"] < _RESET_EDGES:
        return None
    flags = (evidence.get("reset_cause") or {}).get("flags") or []
    values = {"edges": nrst["edges"], "window_ms": nrst["window_ms"], "cause": ", ".join(flags) or "cause not readable"}
    values["period_ms"] = nrst.get("period_ms") or nrst["window_ms"] // nrst["edges"]
    return CERTAIN, values, ["NRST edges %d in %d ms" % (nrst["edges"], nrst["window_ms"])], []
