# Rules for the flash: what is damaged, and whose firmware it is (docs/reference/unit.md#p5).

from rescue.engine.diagnosis import rules_whose as whose
from rescue.engine.diagnosis.rules_common import (
    BY_ITSELF,
    CERTAIN,
    LIKELY,
    boot_sector,
    core_line,
    map_line,
    owned_sectors,
    reset_loop,
    wrong_sectors,
)
from rescue.engine.diagnosis.whose import compared, runs

_WATCHDOG_MS = 900  # a watchdog chip takes 1.0 s at least, usually 1.6 s (docs/reference/unit.md#watchdog-chip)
_RAM_NAMES = "SP must lie in RAM, PC be odd and in flash"


def _blank(evidence):
    owned = owned_sectors(evidence)
    if not owned or any(sector["state"] != "blank" for sector in owned):
        return None
    # With a single sector nobody can tell an erased chip from an update that was cut after its first erase.
    sure = len(owned) > 1
    lines = ["all %d sector(s) of the application read 0xFF" % len(owned), core_line(evidence)]
    return CERTAIN if sure else LIKELY, {}, lines, [] if sure else ["update-cut"]


def _torn_owned(evidence):
    owned = owned_sectors(evidence)
    torn = [address for sector in owned if sector["state"] == "torn" for address in sector["torn"]]
    if not torn or whose.another(evidence):
        return None
    count = sum(sector.get("torn_count", len(sector["torn"])) for sector in owned if sector["state"] == "torn")
    values = {"torn": count, "missing": len(wrong_sectors(evidence)), "owned": len(owned)}
    lines = ["unreadable flash word at 0x%08x" % address for address in torn[:4]]
    if count > 4:
        lines.append("and %d more" % (count - 4))
    return CERTAIN, values, lines + [map_line(evidence)], []


def _update_cut(evidence):
    boot = boot_sector(evidence)
    if boot is None or boot["state"] != "blank" or not boot["owned"]:
        return None
    return CERTAIN, {}, ["boot sector %d is erased" % boot["index"], map_line(evidence), core_line(evidence)], []


def _cut_while_writing(evidence):
    # No torn word, but a sector that begins like the image and then is erased: cut between two flash words.
    owned = owned_sectors(evidence)
    cut = [s for s in owned if s["state"] == "differs" and s.get("prefix") and s.get("rest_blank")]
    if not cut:
        return None
    values = {"torn": 0, "missing": len(wrong_sectors(evidence)), "owned": len(owned)}
    lines = ["sector %d is the image for %d bytes, then erased" % (s["index"], s["prefix"]) for s in cut]
    return LIKELY, values, lines + [map_line(evidence)], ["differs"]


def _bad_vectors(evidence):
    vectors = evidence.get("vectors")
    boot = boot_sector(evidence)
    if not vectors or vectors["valid"] or boot is None or not boot["owned"] or boot["state"] == "match":
        return None
    values = {"sp": _hex(vectors["sp"]), "pc": _hex(vectors["pc"])}
    line = "vectors SP %s, PC %s: %s" % (values["sp"], values["pc"], _RAM_NAMES)
    return CERTAIN, values, [line, map_line(evidence)], []


def _reset_from_outside(evidence):
    # No watchdog and no software has asked for these resets: what keeps it from running comes before whose it is.
    flags = (evidence.get("reset_cause") or {}).get("flags") or ()
    if not flags or [flag for flag in flags if flag in BY_ITSELF]:
        return None
    found = reset_loop(evidence)
    if found is not None and found[1]["period_ms"] >= _WATCHDOG_MS:
        return None  # it may be a watchdog chip that this firmware does not serve, and the image will
    return found


def _hex(value):
    return "unreadable" if value is None else "0x%08x" % value


def _starts_elsewhere(evidence):
    # What the chip starts instead of the application, or None; a bootloader in front of it is none of the job's faults.
    options = evidence.get("options")
    expected = evidence["expected"].get("start", evidence["expected"]["boot_address"])
    if not options or not evidence.get("sectors") or options["boot_add0"] == expected:
        return None
    front = evidence.get("bootloader")
    if front and front["address"] == options["boot_add0"]:
        if front.get("valid") is not False:
            return None
        if front["address"] < evidence["expected"]["boot_address"]:
            return "bootloader"
    return "option bytes"


def _damaged_bootloader(evidence):
    front = evidence.get("bootloader")
    if not front or front.get("valid") is not False or not evidence.get("sectors"):
        return None
    if _starts_elsewhere(evidence) == "option bytes":
        return None
    values = {"at": "0x%08x" % front["address"]}
    line = "nothing that can start lies at " + values["at"]
    return LIKELY, values, [line, map_line(evidence), core_line(evidence)], ["wrong-boot-address"]


def _boot_address(evidence):
    if _starts_elsewhere(evidence) != "option bytes":
        return None
    options = evidence["options"]
    expected = evidence["expected"].get("start", evidence["expected"]["boot_address"])
    values = {"found": "0x%08x" % options["boot_add0"], "wanted": "0x%08x" % expected}
    return CERTAIN, values, ["BOOT_ADD0 " + values["found"], map_line(evidence)], ["option-corruption"]


def _newer(evidence):
    version = evidence.get("version")
    if not version or not wrong_sectors(evidence):
        return None
    if compared(version) != 1:
        return None
    line = "version %s at 0x%08x" % (version["found"], version["address"])
    return CERTAIN, version, [line, map_line(evidence)], []


def _swapped_banks(evidence):
    # Some updates swap the banks, and then the image is where it runs. Here what lies in the other bank is linked for
    # this one, and this one does not start.
    other, boot = evidence.get("other_bank"), boot_sector(evidence)
    if not other or boot is None or boot["state"] == "match" or runs(evidence):
        return None
    at, half = evidence["expected"]["boot_address"], abs(other["address"] - evidence["expected"]["boot_address"])
    line = "vectors at 0x%08x: SP %s, PC %s" % (other["address"], _hex(other["sp"]), _hex(other["pc"]))
    values, lines = {"at": "0x%08x" % at}, [line, map_line(evidence)]
    if other["valid"] and other["pc"] // half == at // half:
        values["found"] = "nothing of it, and what is linked for there lies at 0x%08x" % other["address"]
        return CERTAIN, values, lines, []
    if boot["state"] != "differs" or boot.get("prefix") or (evidence.get("vectors") or {}).get("valid"):
        return None
    # What is no program may be the unit's own data, which the image would go over.
    values["found"] = "something that is no program"
    return LIKELY, values, lines, ["update-cut"]


RULES = (
    # What is written while somebody else resets the chip four times a second is not finished, and would not run.
    ("reset-loop", _reset_from_outside),
    # Whatever the application is, the chip does not start it: writing it again would be in vain.
    ("banks-swapped", _swapped_banks),
    ("wrong-boot-address", _boot_address),
    ("bootloader-damaged", _damaged_bootloader),
    ("blank", _blank),
    ("interrupted-program", _torn_owned),
    ("update-cut", _update_cut),
    ("interrupted-program", _cut_while_writing),
    ("bad-vectors", _bad_vectors),
    ("newer-firmware", _newer),
    ("older-firmware", whose.older),
    ("unknown-application", whose.unknown),
)
