# Rules for the core supply, reset and the way to the debug port (docs/reference/unit.md#p2, #p3, #p4).

from rescue.engine.diagnosis.about_chip import chip_wanted, is_another_chip, reset_loop
from rescue.engine.diagnosis.about_flash import wrong_sectors
from rescue.engine.diagnosis.about_rails import good, label_of, not_measured, say, supplied, window_of
from rescue.engine.diagnosis.rules_common import CERTAIN, LIKELY, UNDECIDED, name_of, rail_of, unseen
from rescuelink.dead_rails import DEAD_MV

_WITHOUT_FIRMWARE = ("power-cycle-under-reset", "boot0")

# --- P2, P3: core supply and reset ---


def _no_vcap(evidence):
    rail = rail_of(evidence, "core")
    if rail is None or rail["mv"] >= DEAD_MV["core"] or evidence.get("swd", {}).get("how"):
        return None
    if evidence["rails"].get("reset_vcap_mv", 0) >= DEAD_MV["core"]:
        return None  # it is there while no firmware runs
    if _stuck_nrst(evidence) is not None:
        return None  # firmware that takes the core supply away is only seen with NRST held low
    level = evidence.get("nrst", {}).get("level")
    nrst = "not seen" if level is None else "high" if level else "low"
    values, lines = {"mv": rail["mv"], "nrst": nrst}, [say(evidence, "core"), "NRST " + nrst]
    others = ["supply-config"]
    values["seen"] = "good"
    if rail_of(evidence, "logic") is None:
        values["seen"] = "not seen"
        others += ["no-3v3", "low-3v3"]
    if not unseen(evidence, "power") and not unseen(evidence, "boot0"):
        return LIKELY, values, lines, others
    # Firmware that has taken it away is told from that by a power cycle and BOOT0, and this helper has not both.
    values["ends_as"] = UNDECIDED
    return LIKELY, values, lines, others + ["wrong-supply"]


def _supply_config(evidence):
    # VCAP came up and went away again: it was seen good in the window, or it is good only where no firmware runs.
    # With other firmware on the chip than the image there is something to write: rules_behaviour.wrong_supply.
    rail = rail_of(evidence, "core")
    low, _ = window_of(evidence, "core")
    how = (evidence.get("swd") or {}).get("how") or ""
    collapsed = rail is not None and rail["min_mv"] < DEAD_MV["core"]
    if not collapsed or (rail["max_mv"] < low and how not in _WITHOUT_FIRMWARE) or wrong_sectors(evidence):
        return None
    options = evidence.get("options")
    if options and (options["rdp"] or options.get("security")):
        return None  # what is written there is not seen, and cannot be replaced before the protection is gone
    if is_another_chip(evidence):
        return None  # nor is it on a chip that the job is not for
    lines = [say(evidence, "core"), "SWD " + (how or "silent")]
    if evidence.get("nrst"):
        lines.insert(1, "NRST edges %d" % evidence["nrst"]["edges"])
    return LIKELY, {}, lines, ["brown-out", "no-vcap"]


def _held_in_reset(evidence):
    nrst = evidence.get("nrst")
    if not nrst or nrst["level"] == 1 or nrst["edges"]:
        return None
    low_ms = nrst["window_ms"] + nrst.get("low_ms", 0)
    line = "NRST low for %d ms with the helper's line let go" % low_ms
    if rail_of(evidence, "core") is None:
        return LIKELY, {}, [line, "VCAP is not seen by this helper"], ["no-vcap"]
    return CERTAIN, {}, [line], ["no-vcap"]


# --- P4: connection ---


def _reset_loop_cuts_swd(evidence):
    swd = evidence.get("swd")
    if swd is None or (swd.get("how") and not swd.get("error")):
        return None
    return reset_loop(evidence)


def _stuck_nrst(evidence):
    swd = evidence.get("swd") or {"tries": ()}
    follows = evidence.get("wiring", {}).get("nrst", True)
    if follows and not any(attempt["result"] == "nrst" for attempt in swd["tries"]):
        return None
    return CERTAIN, {}, ["NRST reads high while the helper pulls it low"], []


def _only(evidence, kind):
    # A line that is stuck or open reads as nonsense of the same kind on every rung: nobody has answered.
    swd = evidence.get("swd")
    if not swd or swd.get("how") or not swd["tries"]:
        return False
    return all(t["result"] == kind for t in swd["tries"])


def _levels(evidence):
    # (SWDIO, SWCLK) under the helper's weak pulls; the chip's own hold SWDIO high and SWCLK low.
    found = evidence.get("wiring") or {}
    return found.get("swdio"), found.get("swclk")


def _level_lines(evidence):
    swdio, swclk = _levels(evidence)
    if swdio is None:
        return []
    return ["under weak pulls SWDIO is %s, SWCLK is %s (high and low are right)" % (swdio, swclk)] + supplied(evidence)


def _alive(evidence):
    # A chip without core supply need not hold its lines.
    rail = rail_of(evidence, "core")
    if (evidence.get("swd") or {}).get("how"):
        return False
    if rail is None:
        return bool((evidence.get("nrst") or {}).get("level"))  # without core supply a chip keeps itself in reset
    return max(rail["mv"], evidence["rails"].get("reset_vcap_mv", 0)) >= window_of(evidence, "core")[0]


def _latches(evidence):
    # Whether the helper's pads hold what they had: then a line that nobody holds reads high as well.
    return bool((evidence.get("wiring") or {}).get("latches"))


def _swapped_swd(evidence):
    swdio, swclk = _levels(evidence)
    if swdio not in ("low", "open") or swclk != "high" or not _alive(evidence):
        return None
    if swdio == "open" and _only(evidence, "no_ack"):
        return None  # through an exchanged wire the helper would have read the chip's SWCLK, which is low
    if swdio == "open":
        return LIKELY, {}, _level_lines(evidence), ["open-swd"]  # the two pulls ended between the levels
    return _sure(evidence), {}, _level_lines(evidence), []


def _sure(evidence):
    # Whether the chip has its supply was seen, or is concluded.
    return LIKELY if rail_of(evidence, "core") is None else CERTAIN


def _open_swd(evidence):
    swdio, swclk = _levels(evidence)
    names = ["SWDIO"] if swdio == "open" else []
    if swclk == "open":
        names.append("SWCLK")
    if not names or not _alive(evidence):
        return None
    # Weak pulls may end between the levels, and a translator may hold what it was given: it is not certain.
    return (
        LIKELY,
        {"line": " and ".join(names)},
        _level_lines(evidence) + _tries(evidence["swd"]),
        ["swapped-swd", "no-swd"],
    )


def _swdio_low(evidence):
    if _levels(evidence)[0] == "low" and _alive(evidence):
        return _sure(evidence), {}, _level_lines(evidence), []
    return (LIKELY, {}, _tries(evidence["swd"]) + supplied(evidence), []) if _only(evidence, "protocol") else None


def _silent_for_good(evidence):
    # Both wires reach the chip, its firmware runs, and its debug port answers nothing, not even under reset.
    if not _only(evidence, "no_ack") or _levels(evidence) != ("high", "low") or not supplied(evidence):
        return None
    if _latches(evidence):
        return None
    return LIKELY, {}, _level_lines(evidence) + _tries(evidence["swd"]), ["no-swd"]


def _no_swd(evidence):
    if not _only(evidence, "no_ack"):
        return None
    lines = _level_lines(evidence) or supplied(evidence)
    # Where weak pulls have shown that both wires end at the chip, it is the chip that does not answer.
    missed, nrst = not_measured(evidence), evidence.get("nrst")
    core, logic = [name_of(evidence, role) for role in ("core", "logic")]
    at_chip = _levels(evidence) == ("high", "low") and not _latches(evidence) and _alive(evidence)
    # A chip without supply holds its reset low; where nobody saw that either, it may be the supply.
    unsupplied = [name for name in (core, logic) if name in missed] if not nrst or not nrst["level"] else []
    values = {"ends_as": "NOT_FIRMWARE"} if at_chip else {}
    if unsupplied or [name for name in ("power", "boot0", "nrst", "pulls") if unseen(evidence, name)]:
        values["ends_as"] = UNDECIDED
    elif at_chip and core in missed:
        values["ends_as"] = UNDECIDED  # neither the wires nor, for sure, the chip
    if nrst and not missed:
        values["seen"] = "Rails and NRST are good"
    else:
        known = [label_of(evidence, role) for role in ("input", "between", "logic", "core") if good(evidence, role)]
        known += ["NRST"] if nrst and nrst["level"] else []
        values["seen"] = "Not all was seen (good: %s)" % (", ".join(known) or "nothing")
    alternatives = ["rdp2", "supply-config"]
    if core in missed:
        alternatives += ["wrong-supply", "no-vcap"]
    elif unseen(evidence, "power") or unseen(evidence, "boot0"):
        alternatives.append("wrong-supply")
    if logic in missed:
        alternatives += ["no-3v3", "low-3v3"]
    if nrst is None:
        alternatives += ["held-in-reset", "silent-firmware", "reset-loop"]
    if not at_chip:
        alternatives += ["open-swd", "swapped-swd"]
    return LIKELY, values, lines + _tries(evidence["swd"]), alternatives


def _swd_unstable(evidence):
    swd = evidence.get("swd")
    if swd is None or (swd.get("how") and not swd.get("error")):
        return None
    if swd.get("how"):
        others = ["rdp1"]
        if not evidence.get("nrst"):
            others = ["held-in-reset", "reset-loop", "rdp1"]  # a chip in reset refuses, too, and nobody has looked
        return LIKELY, {"detail": swd["error"]}, _tries(swd) + [swd["error"]], others
    kinds = sorted({t["result"] for t in swd["tries"]})
    return LIKELY, {"detail": ", ".join(kinds)}, _tries(swd), ["no-swd"]


def _tries(swd):
    return ["%s at %d kHz: %s" % (t["how"], t["hz"] // 1000, t["result"]) for t in swd["tries"]]


def _vcap_unseen(evidence):
    # The core answers with no firmware running: whatever the firmware does to its supply, here it has one.
    mv = evidence["rails"].get("reset_vcap_mv")
    low, high = window_of(evidence, "core")
    how = (evidence.get("swd") or {}).get("how")
    if mv is None or not how or mv >= low:
        return None
    line = "SWD answers %s, with VCAP at %d mV" % (how, mv)
    values = {"mv": mv, "low": low, "high": high}
    return CERTAIN if mv < DEAD_MV["core"] else LIKELY, values, [say(evidence, "core"), line], []


def _other_family(evidence):
    family = (evidence.get("swd") or {}).get("family")
    if not family:
        return None
    aps = ", ".join("AP%s 0x%08x" % (index, family["aps"][index]) for index in ("0", "1", "2"))
    found = "of another family (%s; %s)" % (family["core"] or "core not seen", aps)
    wanted = chip_wanted(evidence["expected"])
    lines = ["DPIDR 0x%08x, %s, read the same again and again" % (family["dpidr"], aps)]
    return CERTAIN, {"found": found, "wanted": wanted}, lines, []


RULES = (
    ("wrong-target", _other_family),
    ("vcap-out", _vcap_unseen),
    ("supply-config", _supply_config),
    ("no-vcap", _no_vcap),
    ("held-in-reset", _held_in_reset),
    ("reset-loop", _reset_loop_cuts_swd),
    ("stuck-nrst", _stuck_nrst),
    ("swapped-swd", _swapped_swd),
    ("open-swd", _open_swd),
    ("swdio-low", _swdio_low),
    ("rdp2", _silent_for_good),
    ("no-swd", _no_swd),
    ("swd-unstable", _swd_unstable),
)
