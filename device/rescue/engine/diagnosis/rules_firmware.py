# Rules for the flash: what is damaged, and whose firmware it is (docs/reference/unit.md#p5).

from rescue.engine.diagnosis import rules_whose as whose
from rescue.engine.diagnosis.about_chip import core_line
from rescue.engine.diagnosis.about_flash import boot_sector, hex_of, map_line, owned_sectors, wrong_sectors
from rescue.engine.diagnosis.rules_common import CERTAIN, LIKELY
from rescue.engine.diagnosis.whose import compared

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
    values = {"sp": hex_of(vectors["sp"]), "pc": hex_of(vectors["pc"])}
    line = "vectors SP %s, PC %s: %s" % (values["sp"], values["pc"], _RAM_NAMES)
    return CERTAIN, values, [line, map_line(evidence)], []


def _newer(evidence):
    version = evidence.get("version")
    if not version or not wrong_sectors(evidence):
        return None
    if compared(version) != 1:
        return None
    line = "version %s at 0x%08x" % (version["found"], version["address"])
    return CERTAIN, version, [line, map_line(evidence)], []


RULES = (
    ("blank", _blank),
    ("interrupted-program", _torn_owned),
    ("update-cut", _update_cut),
    ("interrupted-program", _cut_while_writing),
    ("bad-vectors", _bad_vectors),
    ("newer-firmware", _newer),
    ("older-firmware", whose.older),
    ("unknown-application", whose.unknown),
)
