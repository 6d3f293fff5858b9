# Rules for the chip that answers: is it the job's, and is it protected (docs/reference/unit.md#p4)?

from rescue.engine import modules
from rescue.engine.diagnosis.about_chip import chip_wanted, is_another_chip
from rescue.engine.diagnosis.about_flash import map_line, wrong_sectors
from rescue.engine.diagnosis.about_rails import draw_of, say, supplied, window_of
from rescue.engine.diagnosis.rules_common import CERTAIN, LIKELY, rail_of
from rescuelink.dead_rails import DEAD_MV


def _wrong_target(evidence):
    chip, expected = evidence.get("chip"), evidence["expected"]
    if not chip:
        return None
    if not is_another_chip(evidence):
        uid = expected.get("uid", chip["uid"])
        if chip["uid"] == uid:
            return None
        return CERTAIN, {"found": chip["uid"], "wanted": uid + " and no other"}, ["UID " + chip["uid"]], []
    if chip["flash_kib"] is None:
        found = "none this helper knows (0x%03x)" % chip["dev_id"]
    else:
        found = "0x%03x with %d KiB" % (chip["dev_id"], chip["flash_kib"])
    wanted = chip_wanted(expected)
    lines = ["DBGMCU device id 0x%03x" % chip["dev_id"]]
    if chip["flash_kib"] is not None:
        lines.append("flash size %d KiB" % chip["flash_kib"])
    return CERTAIN, {"found": found, "wanted": wanted}, lines, []


def _rdp(level):
    def rule(evidence):
        options = evidence.get("options")
        if not options or options["rdp"] != level:
            return None
        lines = ["OPTSR 0x%08x: RDP level %d" % (options["optsr"], level)]
        return CERTAIN, {}, lines + _before_the_debugger(evidence), ["option-corruption"]

    return rule


def _before_the_debugger(evidence):
    # All that a closed chip shows of its firmware; once a debugger has come it stands until the power goes
    # (docs/reference/silicon.md).
    drawn = draw_of(evidence)[1]
    lines = supplied(evidence)
    if drawn and drawn not in lines:
        lines.append(drawn)
    rail = rail_of(evidence, "core")
    if not supplied(evidence) and rail is not None:
        lines.append(say(evidence, "core") + ": no sign of firmware that runs")
    return lines + ["since a debugger came the firmware stands, until the power has been off"] if lines else []


def _options_cut(evidence):
    event = evidence.get("options_cut")
    if event is None:
        return None
    lines = ["OPTSR 0x%08x: RDP level 1" % evidence["options"]["optsr"], "the journal of the last run ends in " + event]
    return CERTAIN, {}, lines, ["rdp1"]


def _regressed(evidence):
    if not evidence.get("regressed") or not wrong_sectors(evidence):
        return None
    return CERTAIN, {}, ["read protection level 1 was removed under the job's consent", map_line(evidence)], []


def _secure(evidence):
    options = evidence.get("options")
    if not options or not options["optsr"] >> 21 & 1:
        return None
    return CERTAIN, {}, ["OPTSR 0x%08x: SECURITY set" % options["optsr"]], []


def _write_protected(evidence):
    options = evidence.get("options")
    if not options:
        return None
    wrong = [n for s in wrong_sectors(evidence) for n in range(s["index"], s["index"] + s.get("count", 1))]
    protected = [index for index in wrong if index in options.get("wrp_sectors", ())]
    if not protected:
        return None
    names = ", ".join(str(index) for index in protected)
    return CERTAIN, {"sectors": names}, ["write protection on sectors " + names, map_line(evidence)], []


def _vcap_out(evidence):
    # The core answers, so it has a supply: what is measured is not what it has, or it is about to fail. Asleep it may
    # be lower by design, but not dead.
    rail = rail_of(evidence, "core")
    activity = (evidence.get("core") or {}).get("activity")
    low, high = window_of(evidence, "core")
    if rail is None or activity is None or low <= rail["mv"] <= high:
        return None
    if activity["asleep"] and rail["max_mv"] >= DEAD_MV["core"]:
        return None
    values = {"mv": rail["mv"], "low": low, "high": high}
    return LIKELY, values, [say(evidence, "core"), "SWD answers, core " + evidence["core"]["state"]], ["supply-config"]


# What follows is loaded for the moment in which its turn comes: this table is large enough.


def _pcrop(evidence):
    from rescue.engine.diagnosis.rules_guarded import pcrop

    modules.forget("rescue.engine.diagnosis.rules_guarded")
    return pcrop(evidence)


def _secure_area(evidence):
    from rescue.engine.diagnosis.rules_guarded import secure_area

    modules.forget("rescue.engine.diagnosis.rules_guarded")
    return secure_area(evidence)


def _other_product(evidence):
    from rescue.engine.diagnosis.rules_whose import other_product

    modules.forget("rescue.engine.diagnosis.rules_whose")
    modules.forget("rescue.engine.diagnosis.whose")
    return other_product(evidence)


RULES = (
    ("wrong-target", _wrong_target),
    ("rdp2", _rdp(2)),
    ("options-cut", _options_cut),
    ("pcrop", _pcrop),
    ("rdp1", _rdp(1)),
    ("secure", _secure),
    ("rdp1-removed", _regressed),
    ("other-product", _other_product),
    ("secure-area", _secure_area),
    ("vcap-out", _vcap_out),
    ("wrp", _write_protected),
)
