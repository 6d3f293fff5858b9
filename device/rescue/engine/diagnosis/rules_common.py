# What the rules of the diagnosis look at, and how they say it.

from rescuelink.dead_rails import DEFAULT_ROLES

CERTAIN = "certain"
LIKELY = "likely"
UNDECIDED = "EXAMINED"  # how it ends where the helper sees too little for a verdict on the unit

_LABELS = {"bplus": "B+", "v12": "12 V", "v3v3": "3.3 V", "vcap": "VCAP"}
_RESET_EDGES = 3
BY_ITSELF = ("IWDG1RSTF", "WWDG1RSTF", "SFTRSTF", "LPWRRSTF")  # resets that the chip gives itself
# What a core takes more than in reset, at the supply, converters included: 60 mA of 3.3 V and more at an application's
# clock, 5 mA with code on the internal oscillator (docs/reference/unit.md#core-current).
FAST_MW = 250
_SLOW_MW = 20
_VOS3_MV = 1050  # core supply scaling after reset, at most (docs/reference/chip.md#vos)


def name_of(evidence, role):
    """The unit's rail of that role; None where it has none."""
    return (evidence["expected"].get("roles") or DEFAULT_ROLES).get(role)


def rail_of(evidence, role):
    """What was seen of it with the power on; None where it was not seen."""
    on = evidence.get("rails", {}).get("on") or {}
    return on.get(name_of(evidence, role))


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


def unseen(evidence, what):
    """Whether this helper had no wire to it."""
    return what in (evidence.get("unseen") or ())


def not_measured(evidence):
    """The unit's rails that the rules look at and this helper has no wire to."""
    roles = evidence["expected"].get("roles") or DEFAULT_ROLES
    on = (evidence.get("rails") or {}).get("on")
    names = [roles[role] for role in ("input", "between", "logic", "core") if role in roles]
    return [name for name in names if on is not None and name not in on]


def trip_of(evidence, kind, role=None):
    trip = evidence.get("rails", {}).get("trip")
    if trip is None or trip["kind"] != kind or (role is not None and trip["rail"] != name_of(evidence, role)):
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
    now, reset, bplus = rails.get("ma"), rails.get("reset_ma"), rail_of(evidence, "input")
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
    edges = nrst["edges"]
    if edges < _RESET_EDGES and later and later["period_ms"] and edges + later["edges"] >= _RESET_EDGES:
        # Too seldom for one look: it has shown itself while the unit was worked on.
        edges += later["edges"]
        nrst = {"edges": edges, "window_ms": later["period_ms"] * edges}
    if nrst["edges"] < _RESET_EDGES:
        return None
    flags = (evidence.get("reset_cause") or {}).get("flags") or []
    values = {"edges": nrst["edges"], "window_ms": nrst["window_ms"], "cause": ", ".join(flags) or "cause not readable"}
    values["period_ms"] = nrst.get("period_ms") or nrst["window_ms"] // nrst["edges"]
    lines = ["NRST edges %d in %d ms" % (nrst["edges"], nrst["window_ms"])]
    if rail_of(evidence, "logic") is None and not [flag for flag in flags if flag in BY_ITSELF]:
        return LIKELY, values, lines, ["brown-out"]  # a supply that goes and comes resets it as well
    return CERTAIN, values, lines, []


def marker_line(evidence):
    """What the product marker is; "" where the job names none."""
    marker = evidence.get("marker")
    if not marker:
        return ""
    at = "at 0x%08x" % marker["address"]
    if marker["found"] == "ours":
        return "marker %s: the job's product" % at
    if marker["found"] == "none":
        return "marker %s: damaged or erased, so it does not say whose firmware this is" % at
    return "marker %s: %s, the job's is %s" % (at, marker["text"] or "no text", marker["wanted"])


def version_line(evidence):
    """The version on the unit; "" where the job names no place for it."""
    version = evidence.get("version")
    return "version %s at 0x%08x" % (version["found"], version["address"]) if version else ""


def is_another_chip(evidence):
    """Whether the chip that answers is not the one that the job is for."""
    chip, expected = evidence.get("chip"), evidence["expected"]
    if not chip:
        return False
    return chip["dev_id"] != expected["dev_id"] or chip["flash_kib"] != expected["flash_kib"]


def chip_wanted(expected):
    """The chip that the job is for, as a sentence calls it."""
    if expected.get("open"):
        return ""
    return "%s (0x%03x with %d KiB)" % (expected["chip"], expected["dev_id"], expected["flash_kib"])


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
