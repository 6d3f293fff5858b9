# Rules for what keeps the chip from starting the application, whatever lies in its flash (docs/reference/unit.md#p5).

from rescue.engine.diagnosis.about_chip import BY_ITSELF, core_line, reset_loop
from rescue.engine.diagnosis.about_flash import boot_sector, hex_of, map_line
from rescue.engine.diagnosis.rules_common import CERTAIN, LIKELY
from rescue.engine.diagnosis.whose import runs

_WATCHDOG_MS = 900  # a watchdog chip takes 1.0 s at least, usually 1.6 s (docs/reference/unit.md#watchdog-chip)


def _reset_from_outside(evidence):
    # No watchdog and no software has asked for these resets: what keeps it from running comes before whose it is.
    flags = (evidence.get("reset_cause") or {}).get("flags") or ()
    if not flags or [flag for flag in flags if flag in BY_ITSELF]:
        return None
    found = reset_loop(evidence)
    if found is not None and found[1]["period_ms"] >= _WATCHDOG_MS:
        return None  # it may be a watchdog chip that this firmware does not serve, and the image will
    return found


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


def _swapped_banks(evidence):
    # Some updates swap the banks, and then the image is where it runs. Here what lies in the other bank is linked for
    # this one, and this one does not start.
    other, boot = evidence.get("other_bank"), boot_sector(evidence)
    if not other or boot is None or boot["state"] == "match" or runs(evidence):
        return None
    at, half = evidence["expected"]["boot_address"], abs(other["address"] - evidence["expected"]["boot_address"])
    line = "vectors at 0x%08x: SP %s, PC %s" % (other["address"], hex_of(other["sp"]), hex_of(other["pc"]))
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
)
