# Whose firmware is on the unit, as far as the evidence tells: asked by the rules and by the step "diagnosis".
#
# An application that runs, or that nothing shows to be damaged, and that the job does not know, is not overwritten
# without consent: it may be a good unit of another product. What judges its core is loaded where one has to be judged.

from rescue.engine.diagnosis.about_flash import boot_sector, owned_sectors
from rescue.engine.diagnosis.rules_common import rail_of
from rescuelink.dead_rails import DEAD_MV

_WATCHDOGS = ("IWDG1RSTF", "WWDG1RSTF")
_PLACE = 3  # of the 64 parts of the image (survey/likeness.py): a few wrong bytes lie in one, or across the next
NEWER = "newer-firmware"
OLDER = "older-firmware"
UNKNOWN = "unknown-application"


def other_product(evidence):
    """Whether the unit carries another product's marker."""
    marker = evidence.get("marker")
    if not marker or marker["found"] != "other":
        return False
    if marker["text"]:
        return True
    boot = boot_sector(evidence)
    marker_alone = boot is not None and _in_one_place(boot)  # is damaged, and all else is the image
    return is_whole(evidence) and not marker_alone


def word_for(evidence):
    """The consent that replacing what is on the unit needs: "newer-firmware", "older-firmware", "unknown-application"
    or None."""
    boot = boot_sector(evidence)
    if boot is None or not boot["owned"] or not is_whole(evidence):
        return None
    state = boot["rest"] if _torn_beside(boot) else boot["state"]
    if state != "differs":
        return None
    order = compared(evidence.get("version"))
    if order == 1:
        return NEWER  # whoever made it, and also where write protection or option bytes are named first
    if (evidence.get("marker") or {}).get("found") == "ours":
        return None
    if not runs(evidence) and (_in_one_place(boot) or _part_is_there(evidence)):
        return None  # damaged, and ours
    return OLDER if order == -1 else UNKNOWN


def _part_is_there(evidence):
    return any(sector["state"] == "match" for sector in owned_sectors(evidence))


def _in_one_place(boot):
    # Nearly all of the image is there, and what is not lies in one place: a build of another product, or with other
    # limits and its own check sum, differs in more.
    count, span = boot.get("other_parts") or (_PLACE + 1, 0)
    return count == span <= _PLACE


def is_whole(evidence):
    """Whether nothing shows that the application at the boot address is damaged."""
    vectors = evidence.get("vectors") or {}
    core = evidence.get("core") or {}
    boot = boot_sector(evidence)
    if not vectors.get("valid") or boot is None or boot["state"] == "blank":
        return False
    from rescue.engine.unit import fault_words

    if fault_words.describe(core):
        return False
    for sector in owned_sectors(evidence):
        if sector["state"] == "torn" and not _torn_beside(sector):
            return False
        if sector["state"] == "differs" and sector.get("prefix") and sector.get("rest_blank"):
            return False
    rail = rail_of(evidence, "core")
    if rail is not None and rail["mv"] < DEAD_MV["core"]:
        return False  # the core supply collapses when it runs
    if (evidence.get("options") or {}).get("iwdg_hardware"):
        return True  # an option byte that starts the watchdog says nothing of a firmware that does not know of it
    # The flags begin anew with each power-on: a watchdog has bitten since ours.
    flags = (evidence.get("reset_cause") or {}).get("flags") or ()
    return not [flag for flag in flags if flag in _WATCHDOGS]


def _torn_beside(sector):
    # Torn words, but none where the image lies: data that the application was writing, not an update that was cut.
    return sector["state"] == "torn" and not sector.get("torn_ours", 1)


def runs(evidence):
    """Whether the core was seen in the application: in flash, and not in a bootloader in front of it."""
    from rescue.engine.unit import running

    core = evidence.get("core") or {}
    if running.why_not(evidence)[0]:
        return False
    low, high = evidence["expected"]["flash"]
    front = evidence.get("bootloader")
    for pc in core.get("pc_samples") or ():
        if low <= pc < high and not (front and front["address"] <= pc < front["end"]):
            return True
    return running.sleeps(core)


def compared(version):
    """1 where the unit's version is newer than the job's, 0 the same, -1 older; None where nobody can compare them."""
    if not version:
        return None
    found, wanted = _numbers(version["found"]), _numbers(version["wanted"])
    if found is None or wanted is None:
        return None
    return (found > wanted) - (found < wanted)


def _numbers(text):
    # "1.10.0" is newer than "1.9.2"; anything but numbers and dots cannot be compared.
    parts = text.split(".")
    return [int(part) for part in parts] if all(part.isdigit() for part in parts) else None
