# Rules for areas that option bytes close: execute-only (PCROP) and secure-only ones. Nothing in bmsrescue opens them,
# whatever is consented to.

from rescue.engine.diagnosis.about_chip import core_line
from rescue.engine.diagnosis.about_flash import map_line, owned_sectors
from rescue.engine.diagnosis.rules_common import CERTAIN

_PROTECTED = "protected"


def pcrop(evidence):
    options = evidence.get("options")
    if not options or not options.get("pcrop"):
        return None
    names = "all" if options["rdp"] == 1 else _in(evidence, options["pcrop"])
    if not names:
        return None
    lines = ["execute-only area " + _spans(evidence, options["pcrop"])]
    lines.append("DMEP is %s in it" % ("set" if options.get("dmep") else "not set"))
    if options["rdp"] == 1:
        lines.append("OPTSR 0x%08x: RDP level 1 besides" % options["optsr"])
    return CERTAIN, {"sectors": names, "area": _spans(evidence, options["pcrop"])}, lines + _seen(evidence), []


def secure_area(evidence):
    options = evidence.get("options")
    if not options or not options.get("secure_area"):
        return None
    names = _in(evidence, options["secure_area"])
    if not names:
        return None
    span = _spans(evidence, options["secure_area"])
    return CERTAIN, {"sectors": names, "area": span}, ["secure-only area " + span] + _seen(evidence), []


def lines(evidence):
    """Areas beside the job's sectors: no hindrance, but nobody has read them."""
    options = evidence.get("options") or {}
    found = []
    for name, key in (("execute-only", "pcrop"), ("secure-only", "secure_area")):
        if options.get(key):
            found.append("%s area %s: left alone, and not in a backup" % (name, _spans(evidence, options[key])))
    return found


def _in(evidence, areas):
    # The job's sectors that lie in one of the areas.
    base = evidence["expected"]["flash"][0]
    names = []
    for sector in owned_sectors(evidence):
        at = sector["address"] - base
        if sector["state"] == _PROTECTED and [a for a in areas if a[0] < at + sector["size"] and at <= a[1]]:
            names.append(str(sector["index"]))
    return ", ".join(names)


def _spans(evidence, areas):
    base = evidence["expected"]["flash"][0]
    return ", ".join(["0x%08x..0x%08x" % (base + first, base + last) for first, last in areas])


def _seen(evidence):
    return [map_line(evidence), core_line(evidence)] if evidence.get("sectors") else []
