# Rules for the flash and what the core makes of it where there is no job: nobody knows what the unit should hold.

from rescue.engine.diagnosis.about_chip import core_line, reset_loop
from rescue.engine.diagnosis.about_flash import map_line
from rescue.engine.diagnosis.about_rails import draw_of, not_measured
from rescue.engine.diagnosis.rules_common import CERTAIN, LIKELY
from rescue.engine.unit import fault_words, running

_BLANK = "blank"
_TORN = "torn"
_CLOSED = "protected"


def _flash_blank(evidence):
    found = evidence.get("sectors")
    if not found or [sector for sector in found if sector["state"] != _BLANK]:
        return None
    chip = evidence["chip"]
    return CERTAIN, {"chip": chip["name"], "kib": chip["flash_kib"]}, [map_line(evidence), core_line(evidence)], []


def _half_written(evidence):
    torn = [sector for sector in evidence.get("sectors") or () if sector["state"] == _TORN]
    if not torn:
        return None
    count = sum([sector.get("torn_count", len(sector["torn"])) for sector in torn])
    lines = ["unreadable flash word at 0x%08x" % address for sector in torn for address in sector["torn"][:4]]
    names = ", ".join([str(sector["index"]) for sector in torn])
    return CERTAIN, {"torn": count, "sectors": names}, lines[:4] + _told(evidence), []


def _start_closed(evidence):
    sector = _boot_sector(evidence)
    if sector is None or sector["state"] != _CLOSED:
        return None
    return CERTAIN, {"at": _boot(evidence)}, _told(evidence), []


def _start_erased(evidence):
    sector = _boot_sector(evidence)
    if sector is None or sector["state"] != _BLANK:
        return None
    if sector["address"] != evidence["expected"]["flash"][0] and _can_start(evidence):
        return None  # the flash begins with something that can: it is the option bytes that are wrong
    return LIKELY, {"at": _boot(evidence)}, _told(evidence), ["wrong-boot-address"]


def _start_wrong(evidence):
    vectors = evidence.get("vectors")
    if not evidence.get("sectors") or (vectors and vectors["valid"]) or "vectors" in evidence.get("unreadable", ()):
        return None
    found = "outside the flash" if not vectors else "SP %s, PC %s" % (_hex(vectors["sp"]), _hex(vectors["pc"]))
    return CERTAIN, {"at": _boot(evidence), "found": found}, _told(evidence), []


def _in_rom(evidence):
    if not running.boot0_is_high(evidence) or not evidence.get("sectors"):
        return None
    return CERTAIN, {}, ["PC in system memory: only the pin does that"] + _told(evidence), []


def _waits_for_crystal(evidence):
    if not running.crystal_missing(evidence) or not evidence.get("sectors"):
        return None
    return LIKELY, {"detail": running.why_not(evidence)[1]}, _told(evidence), []


def _resets(evidence):
    bitten = running.watchdog_has_bitten(evidence)
    again = max((evidence.get("nrst") or {"edges": 0})["edges"], running.resets_seen(evidence.get("core") or {}))
    if not evidence.get("sectors") or not bitten or not again:
        return _seldom(evidence)
    return CERTAIN, {"flags": ", ".join(bitten)}, ["%d resets seen" % again] + _told(evidence), []


def _seldom(evidence):
    found = reset_loop(evidence) if evidence.get("sectors") else None
    if found is None:
        return None
    return found[0], {"flags": found[1]["cause"]}, found[2] + _told(evidence), found[3]


def _crashes(evidence):
    detail = fault_words.describe(evidence.get("core") or {})
    if not detail:
        return None
    return CERTAIN, {"detail": detail}, _told(evidence), []


def _hides(evidence):
    if (evidence.get("swd") or {}).get("how") != "under-reset" or not evidence.get("sectors") or evidence.get("core"):
        return None
    return LIKELY, {}, _told(evidence), []


def _stuck(evidence):
    kind, words = running.why_not(evidence)
    if not evidence.get("core") or not evidence.get("sectors") or not kind:
        return None
    return LIKELY, {"detail": words}, _told(evidence), []


def _runs(evidence):
    if not evidence.get("core") or not evidence.get("sectors"):
        return None
    samples = evidence["core"].get("pc_samples") or ()
    lines = ["PC " + ", ".join(["0x%08x" % pc for pc in samples[:2]])] if samples else []
    lines += _told(evidence) + running.unseen(evidence, not_measured(evidence))
    return LIKELY, {"chip": evidence["chip"]["name"]}, lines, []


def _boot(evidence):
    return "0x%08x" % evidence["expected"]["boot_address"]


def _boot_sector(evidence):
    boot = evidence["expected"]["boot_address"]
    for sector in evidence.get("sectors") or ():
        if sector["address"] <= boot < sector["address"] + sector["size"]:
            return sector
    return None


def _can_start(evidence):
    # Of what the flash holds, where the option bytes do not start the chip.
    boot = evidence["expected"]["boot_address"]
    return [start for start in (evidence.get("firmware") or {}).get("starts") or () if start["address"] != boot]


def _hex(value):
    return "unreadable" if value is None else "0x%08x" % value


def _told(evidence):
    # What is on the chip, as far as it can be told without an image.
    lines = [map_line(evidence)] if evidence.get("sectors") else []
    if evidence.get("core"):
        lines.append(core_line(evidence))
    lines += [line for line in (draw_of(evidence)[1],) if line]
    firmware = evidence.get("firmware") or {"starts": (), "texts": ()}
    boot = evidence["expected"]["boot_address"]
    for start in firmware["starts"]:
        line = "what can start lies at 0x%08x (SP 0x%08x, PC 0x%08x)" % (start["address"], start["sp"], start["pc"])
        if start["address"] == boot and [other for other in firmware["starts"] if other["address"] > boot]:
            line += ": started by the chip, perhaps a bootloader for what lies behind it"
        lines.append(line)
    for address, text in firmware["texts"]:
        lines.append("text at 0x%08x: %s" % (address, text))
    return lines


RULES = (
    ("flash-blank", _flash_blank),
    ("half-written", _half_written),
    ("start-closed", _start_closed),
    ("start-erased", _start_erased),
    ("start-wrong", _start_wrong),
    ("in-rom", _in_rom),
    ("waits-for-crystal", _waits_for_crystal),
    ("firmware-resets", _resets),
    ("firmware-crashes", _crashes),
    ("firmware-hides", _hides),
    ("firmware-stuck", _stuck),
    ("firmware-runs", _runs),
)
