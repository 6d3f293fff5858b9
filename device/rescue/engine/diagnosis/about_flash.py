# What the rules see of the flash, and how they say it.


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


def hex_of(value):
    return "unreadable" if value is None else "0x%08x" % value
