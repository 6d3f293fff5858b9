# Evidence in, cause out: a pure function, runnable anywhere on a stored record.
#
# RULES is read from top to bottom, in the order in which the unit must be in order (bms-domain 1.5: supply, rails,
# core supply, reset, SWD, identity, protection, flash, core). The first rule that fires is the diagnosis. A rule
# returns None, or (confidence, values for the cause's sentence, deciding evidence lines, alternatives).

from rescuelink.diagnoses import CAUSES

CERTAIN = "certain"
LIKELY = "likely"
POSSIBLE = "possible"

_DEAD_MV = {"bplus": 1000, "v12": 1000, "v3v3": 300, "vcap": 300}  # bms-domain 1.4
_HEAVY_MA = 100  # above the 20..60 mA of a half-on unit without load (bms-domain 1.4)
_RIPPLE_MV = 100
_RESET_EDGES = 3
_RAM_NAMES = "SP must lie in RAM, PC be odd and in flash"


def diagnose(evidence):
    """{"cause", "confidence", "sentence", "evidence", "alternatives", "next_step"} for an evidence dict."""
    for name, rule in RULES:
        found = rule(evidence)
        if found is not None:
            confidence, values, lines, alternatives = found
            return _finding(name, confidence, values, lines, alternatives)
    return _finding("undecided", POSSIBLE, {}, ["no rule fits"], [])


def _finding(name, confidence, values, lines, alternatives):
    cause = CAUSES[name]
    return {
        "cause": name,
        "confidence": confidence,
        "sentence": cause.sentence.format(**values),
        "evidence": lines,
        "alternatives": alternatives,
        "next_step": cause.next_step,
    }


# --- what the rules look at ---


def _rail(evidence, name):
    on = evidence.get("rails", {}).get("on") or {}
    return on.get(name)


def _window(evidence, name):
    return evidence["expected"]["rails"][name]


def _good(evidence, name):
    rail = _rail(evidence, name)
    if rail is None:
        return False
    low, high = _window(evidence, name)
    return low <= rail["mv"] <= high


def _say(name, rail):
    return "%s %d mV (%d..%d)" % (name, rail["mv"], rail["min_mv"], rail["max_mv"])


def _trip(evidence, kind, rail=None):
    trip = evidence.get("rails", {}).get("trip")
    if trip is None or trip["kind"] != kind or (rail is not None and trip["rail"] != rail):
        return None
    return trip


def _trip_line(trip):
    line = "%s trip on %s: %d mV" % (trip["kind"], trip["rail"], trip["mv"])
    if trip["ma"] is not None:
        line += ", %d mA" % trip["ma"]
    return line + ", cut %d ms after power on" % trip["ms"]


def _owned(evidence):
    return [sector for sector in evidence.get("sectors") or () if sector["owned"]]


def _wrong(evidence):
    return [sector for sector in _owned(evidence) if sector["state"] != "match"]


def _boot_sector(evidence):
    boot = evidence["expected"]["boot_address"]
    for sector in evidence.get("sectors") or ():
        if sector["address"] <= boot < sector["address"] + sector["size"]:
            return sector
    return None


def _map_line(evidence):
    return "sectors: " + ", ".join("%d %s" % (s["index"], s["state"]) for s in evidence["sectors"])


def _core_line(evidence):
    core = evidence.get("core") or {}
    line = "core " + str(core.get("state"))
    if core.get("clock_hz"):
        line += ", clock %.1f MHz" % (core["clock_hz"] / 1e6)
    return line


# --- P0: before and at power on ---


def _backfeed(evidence):
    trip = _trip(evidence, "backfeed")
    if trip is None:
        return None
    return CERTAIN, trip, ["%s %d mV with everything off" % (trip["rail"], trip["mv"])], []


def _over_voltage(evidence):
    trip = _trip(evidence, "over-voltage")
    return None if trip is None else (CERTAIN, trip, [_trip_line(trip)], [])


def _over_current(evidence):
    trip = _trip(evidence, "over-current")
    return None if trip is None else (CERTAIN, trip, [_trip_line(trip)], ["short-input"])


def _brown_out(evidence):
    trip = _trip(evidence, "brown-out")
    return None if trip is None else (CERTAIN, trip, [_trip_line(trip)], ["low-supply", "low-3v3"])


# --- P1: rails ---


def _short(rail):
    # A short trip with this rail the one that did not come up.
    def rule(evidence):
        trip = _trip(evidence, "short", rail)
        if trip is None:
            return None
        lines = [_trip_line(trip)]
        lines += [_say(name, _rail(evidence, name)) for name in ("bplus", "v12", "v3v3") if _rail(evidence, name)]
        return CERTAIN, trip, lines, []

    return rule


def _short_3v3_by_current(evidence):
    # The 3.3 V regulator limits by itself, so that the bench supply never reaches its own limit.
    rail, ma = _rail(evidence, "v3v3"), evidence["rails"].get("ma")
    if rail is None or ma is None or not _good(evidence, "v12"):
        return None
    low, _ = _window(evidence, "v3v3")
    if rail["mv"] >= low // 2 or ma < _HEAVY_MA:
        return None
    lines = [_say("v3v3", rail), _say("v12", _rail(evidence, "v12")), "supply current %d mA" % ma]
    return LIKELY, {"mv": rail["mv"], "ma": ma}, lines, ["no-3v3"]


def _no_supply(evidence):
    rail = _rail(evidence, "bplus")
    if rail is None or rail["mv"] >= _DEAD_MV["bplus"]:
        return None
    return CERTAIN, rail, [_say("bplus", rail)], []


def _low_supply(evidence):
    rail = _rail(evidence, "bplus")
    low, _ = _window(evidence, "bplus")
    if rail is None or rail["mv"] >= low:
        return None
    return CERTAIN, {"mv": rail["mv"], "limit": low}, [_say("bplus", rail)], []


def _dead(name):
    def rule(evidence):
        rail = _rail(evidence, name)
        if rail is None or rail["mv"] >= _DEAD_MV[name]:
            return None
        return CERTAIN, rail, [_say(name, rail)], []

    return rule


def _low_12v(evidence):
    rail = _rail(evidence, "v12")
    low, _ = _window(evidence, "v12")
    if rail is None or rail["mv"] >= low:
        return None
    return CERTAIN, {"mv": rail["mv"], "limit": low}, [_say("v12", rail)], []


def _high_12v(evidence):
    rail = _rail(evidence, "v12")
    _, high = _window(evidence, "v12")
    if rail is None or rail["mv"] <= high:
        return None
    return CERTAIN, {"mv": rail["mv"], "limit": high}, [_say("v12", rail)], []


def _low_3v3(evidence):
    rail = _rail(evidence, "v3v3")
    low, high = _window(evidence, "v3v3")
    if rail is None or low <= rail["mv"] <= high:
        return None
    return CERTAIN, {"mv": rail["mv"], "limit": "%d..%d" % (low, high)}, [_say("v3v3", rail)], []


def _unsteady_3v3(evidence):
    rail = _rail(evidence, "v3v3")
    if rail is None or rail["max_mv"] - rail["min_mv"] <= _RIPPLE_MV:
        return None
    return CERTAIN, {"low": rail["min_mv"], "high": rail["max_mv"]}, [_say("v3v3", rail)], ["brown-out"]


# --- P2, P3: core supply and reset ---


def _no_vcap(evidence):
    rail = _rail(evidence, "vcap")
    if rail is None or rail["mv"] >= _DEAD_MV["vcap"] or evidence.get("swd", {}).get("how"):
        return None
    nrst = "low" if evidence.get("nrst", {}).get("level") == 0 else "high"
    return LIKELY, {"mv": rail["mv"], "nrst": nrst}, [_say("vcap", rail), "NRST " + nrst], ["supply-config"]


def _supply_config(evidence):
    # VCAP came up and went away again: it was seen good in the window, or it is good only with BOOT0 high.
    rail = _rail(evidence, "vcap")
    low, _ = _window(evidence, "vcap")
    how = (evidence.get("swd") or {}).get("how") or ""
    if rail is None or not (rail["max_mv"] >= low and rail["min_mv"] < _DEAD_MV["vcap"]):
        return None
    lines = [_say("vcap", rail), "NRST edges %d" % evidence["nrst"]["edges"], "SWD " + (how or "silent")]
    return LIKELY, {}, lines, ["brown-out", "no-vcap"]


def _held_in_reset(evidence):
    nrst = evidence.get("nrst")
    if not nrst or nrst["level"] == 1 or nrst["edges"]:
        return None
    line = "NRST low for %d ms with the helper's line let go" % nrst["window_ms"]
    return CERTAIN, {}, [line], ["no-vcap"]


def _reset_loop(evidence):
    nrst = evidence.get("nrst")
    if not nrst or nrst["edges"] < _RESET_EDGES:
        return None
    flags = (evidence.get("reset_cause") or {}).get("flags") or []
    values = {"edges": nrst["edges"], "window_ms": nrst["window_ms"], "cause": ", ".join(flags) or "cause not readable"}
    return CERTAIN, values, ["NRST edges %d in %d ms" % (nrst["edges"], nrst["window_ms"])], []


# --- P4: connection, identity, protection ---


def _no_swd(evidence):
    swd = evidence.get("swd")
    if swd is None or swd.get("how"):
        return None
    lines = ["%s at %d kHz: %s" % (t["how"], t["hz"] // 1000, t["result"]) for t in swd["tries"]]
    if any(try_["result"] != "no_ack" for try_ in swd["tries"]):
        return None
    return LIKELY, {}, lines, ["rdp2", "supply-config"]


def _swd_unstable(evidence):
    swd = evidence.get("swd")
    if swd is None or swd.get("how"):
        return None
    kinds = [try_["result"] for try_ in swd["tries"]]
    lines = ["%s at %d kHz: %s" % (t["how"], t["hz"] // 1000, t["result"]) for t in swd["tries"]]
    return LIKELY, {"detail": ", ".join(sorted(set(kinds)))}, lines, ["no-swd"]


def _wrong_target(evidence):
    chip, expected = evidence.get("chip"), evidence["expected"]
    if not chip:
        return None
    if chip["dev_id"] == expected["dev_id"] and chip["flash_kib"] == expected["flash_kib"]:
        return None
    found = "0x%03x with %s KiB" % (chip["dev_id"], chip["flash_kib"])
    wanted = "%s (0x%03x with %d KiB)" % (expected["chip"], expected["dev_id"], expected["flash_kib"])
    lines = ["DBGMCU device id 0x%03x" % chip["dev_id"], "flash size %s KiB" % chip["flash_kib"]]
    return CERTAIN, {"found": found, "wanted": wanted}, lines, []


def _rdp(level):
    def rule(evidence):
        options = evidence.get("options")
        if not options or options["rdp"] != level:
            return None
        return CERTAIN, {}, ["OPTSR 0x%08x: RDP level %d" % (options["optsr"], level)], ["option-corruption"]

    return rule


def _secure(evidence):
    options = evidence.get("options")
    if not options or not options["optsr"] >> 21 & 1:
        return None
    return CERTAIN, {}, ["OPTSR 0x%08x: SECURITY set" % options["optsr"]], []


# --- P5: flash ---


def _write_protected(evidence):
    options = evidence.get("options")
    if not options:
        return None
    protected = [s["index"] for s in _wrong(evidence) if s["index"] in options.get("wrp_sectors", ())]
    if not protected:
        return None
    names = ", ".join(str(index) for index in protected)
    return CERTAIN, {"sectors": names}, ["write protection on sectors " + names, _map_line(evidence)], []


def _blank(evidence):
    owned = _owned(evidence)
    if not owned or any(sector["state"] != "blank" for sector in owned):
        return None
    # With a single sector nobody can tell an erased chip from an update that was cut after its first erase.
    sure = len(owned) > 1
    lines = ["all %d sector(s) of the application read 0xFF" % len(owned), _core_line(evidence)]
    return CERTAIN if sure else LIKELY, {}, lines, [] if sure else ["update-cut"]


def _torn_owned(evidence):
    owned = _owned(evidence)
    torn = [address for sector in owned if sector["state"] == "torn" for address in sector["torn"]]
    if not torn:
        return None
    values = {"torn": len(torn), "missing": len(_wrong(evidence)), "owned": len(owned)}
    lines = ["unreadable flash word at 0x%08x" % address for address in torn[:4]]
    if len(torn) > 4:
        lines.append("and %d more" % (len(torn) - 4))
    return CERTAIN, values, lines + [_map_line(evidence)], []


def _update_cut(evidence):
    boot = _boot_sector(evidence)
    if boot is None or boot["state"] != "blank" or not boot["owned"]:
        return None
    return CERTAIN, {}, ["boot sector %d is erased" % boot["index"], _map_line(evidence), _core_line(evidence)], []


def _cut_while_writing(evidence):
    # No torn word, but a sector that begins like the image and then is erased: cut between two flash words.
    owned = _owned(evidence)
    cut = [s for s in owned if s["state"] == "differs" and s.get("prefix") and s.get("rest_blank")]
    if not cut:
        return None
    values = {"torn": 0, "missing": len(_wrong(evidence)), "owned": len(owned)}
    lines = ["sector %d is the image for %d bytes, then erased" % (s["index"], s["prefix"]) for s in cut]
    return LIKELY, values, lines + [_map_line(evidence)], ["differs"]


def _bad_vectors(evidence):
    vectors = evidence.get("vectors")
    boot = _boot_sector(evidence)
    if not vectors or vectors["valid"] or boot is None or not boot["owned"] or boot["state"] == "match":
        return None
    values = {"sp": _hex(vectors["sp"]), "pc": _hex(vectors["pc"])}
    line = "vectors SP %s, PC %s: %s" % (values["sp"], values["pc"], _RAM_NAMES)
    return CERTAIN, values, [line, _map_line(evidence)], []


def _hex(value):
    return "unreadable" if value is None else "0x%08x" % value


def _differs(evidence):
    wrong = _wrong(evidence)
    if not wrong:
        return None
    values = {"missing": len(wrong), "owned": len(_owned(evidence))}
    return LIKELY, values, [_map_line(evidence), _core_line(evidence)], ["healthy, with other firmware"]


def _torn_unowned(evidence):
    torn = [s for s in evidence.get("sectors") or () if s["state"] == "torn" and not s["owned"]]
    if not torn:
        return None
    names = ", ".join(str(sector["index"]) for sector in torn)
    lines = ["unreadable flash word at 0x%08x" % address for sector in torn for address in sector["torn"][:4]]
    return CERTAIN, {"sectors": names}, lines + [_map_line(evidence)], []


# --- P6: the image is there; does the core run it? ---


def _boot_address(evidence):
    options = evidence.get("options")
    expected = evidence["expected"]["boot_address"]
    if not options or not evidence.get("sectors") or options["boot_add0"] == expected:
        return None
    values = {"found": "0x%08x" % options["boot_add0"], "wanted": "0x%08x" % expected}
    return CERTAIN, values, ["BOOT_ADD0 " + values["found"], _map_line(evidence)], ["option-corruption"]


def _lockup(evidence):
    core = evidence.get("core") or {}
    if core.get("state") != "lockup":
        return None
    faults = ["%s 0x%08x" % (name, core[name]) for name in ("cfsr", "hfsr", "bfar") if core.get(name)]
    return CERTAIN, {"detail": ", ".join(faults) or "no fault flags"}, [_core_line(evidence)] + faults, []


def _runs_image(evidence):
    core = evidence.get("core") or {}
    if core.get("state") not in ("running", "sleeping"):
        return False
    minimum = evidence["expected"]["min_clock_hz"]
    if minimum and (core.get("clock_hz") or 0) < minimum:
        return False
    samples = core.get("pc_samples") or ()
    low, high = evidence["expected"]["flash"]
    seen = [pc for pc in samples if low <= pc < high]
    return core["state"] == "sleeping" or bool(seen)


def _not_running(evidence):
    if not evidence.get("core") or not evidence.get("sectors") or _runs_image(evidence):
        return None
    samples = evidence["core"].get("pc_samples") or ()
    detail = _core_line(evidence)
    if samples:
        detail += ", PC " + ", ".join(sorted({"0x%08x" % pc for pc in samples[:4]}))
    return LIKELY, {"detail": detail}, [detail, _map_line(evidence)], []


def _healthy(evidence):
    if not evidence.get("sectors") or not _runs_image(evidence):
        return None
    return CERTAIN, {}, [_map_line(evidence), _core_line(evidence)], []


RULES = (
    # P0 power off, power on
    ("backfeed", _backfeed),
    ("over-voltage", _over_voltage),
    ("short-3v3", _short("v3v3")),
    ("short-12v", _short("v12")),
    ("short-input", _short("bplus")),
    ("over-current", _over_current),
    ("brown-out", _brown_out),
    # P1 rails
    ("no-supply", _no_supply),
    ("short-3v3", _short_3v3_by_current),
    ("low-supply", _low_supply),
    ("no-12v", _dead("v12")),
    ("low-12v", _low_12v),
    ("high-12v", _high_12v),
    ("no-3v3", _dead("v3v3")),
    ("low-3v3", _low_3v3),
    ("unsteady-3v3", _unsteady_3v3),
    # P2, P3 core supply, reset
    ("supply-config", _supply_config),
    ("no-vcap", _no_vcap),
    ("held-in-reset", _held_in_reset),
    # P4 connection, identity, protection
    ("no-swd", _no_swd),
    ("swd-unstable", _swd_unstable),
    ("wrong-target", _wrong_target),
    ("rdp2", _rdp(2)),
    ("rdp1", _rdp(1)),
    ("secure", _secure),
    # P5 flash
    ("wrp", _write_protected),
    ("blank", _blank),
    ("interrupted-program", _torn_owned),
    ("update-cut", _update_cut),
    ("interrupted-program", _cut_while_writing),
    ("bad-vectors", _bad_vectors),
    ("differs", _differs),
    ("torn-data", _torn_unowned),
    # P6 core
    ("wrong-boot-address", _boot_address),
    ("reset-loop", _reset_loop),
    ("lockup", _lockup),
    ("not-running", _not_running),
    ("healthy", _healthy),
)
