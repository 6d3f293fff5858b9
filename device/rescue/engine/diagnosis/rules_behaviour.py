# Rules for what the core makes of its flash (docs/reference/unit.md#p6). First of firmware that is whole and not the
# job's image: how it behaves says more than that it differs.

from rescue.engine.common import option_values
from rescue.engine.diagnosis.about_chip import core_line, reset_loop
from rescue.engine.diagnosis.about_flash import map_line, marker_line, owned_sectors, version_line, wrong_sectors
from rescue.engine.diagnosis.about_rails import draw_of, good, label_of, not_measured, others, say, say_rail
from rescue.engine.diagnosis.rules_common import CERTAIN, LIKELY, rail_of
from rescue.engine.unit import fault_words, running
from rescuelink.dead_rails import DEAD_MV

_WITHOUT_FIRMWARE = ("power-cycle-under-reset", "boot0")  # the rungs that a wrong core supply leaves
_OTHER_LABELS = {"v5iso": "isolated 5 V"}
_WATCHDOGS = ("IWDG1RSTF", "WWDG1RSTF")


def _differs(evidence):
    wrong = wrong_sectors(evidence)
    if not wrong:
        return None
    values = {"missing": len(wrong), "owned": len(owned_sectors(evidence))}
    lines = [map_line(evidence), core_line(evidence), marker_line(evidence), version_line(evidence)]
    return LIKELY, values, [line for line in lines if line], ["healthy, with other firmware"]


def _torn_unowned(evidence):
    torn = [s for s in evidence.get("sectors") or () if s["state"] == "torn" and not s["owned"]]
    if not torn:
        return None
    names = ", ".join(str(sector["index"]) for sector in torn)
    lines = ["unreadable flash word at 0x%08x" % address for sector in torn for address in sector["torn"][:4]]
    return CERTAIN, {"sectors": names}, lines + [map_line(evidence)], []


def _cure_cut(evidence):
    at = evidence.get("unfinished")
    if at is None:
        return None
    return CERTAIN, {"sector": at}, ["the journal of the last run ends in sector %d" % at, map_line(evidence)], []


def _wrong_supply(evidence):
    # VCAP is dead whenever the firmware runs, and good where it does not.
    rail = rail_of(evidence, "core")
    how = (evidence.get("swd") or {}).get("how")
    if rail is None or rail["mv"] >= DEAD_MV["core"] or how not in _WITHOUT_FIRMWARE or not wrong_sectors(evidence):
        return None
    return (
        LIKELY,
        _counts(evidence),
        [say(evidence, "core"), "SWD answers only by " + how, map_line(evidence)],
        ["no-vcap"],
    )


def _watchdog_loop(evidence):
    flags = (evidence.get("reset_cause") or {}).get("flags") or ()
    bitten = [flag for flag in flags if flag in _WATCHDOGS]
    if not bitten or not wrong_sectors(evidence):
        return None
    nrst, values = evidence.get("nrst"), _counts(evidence)
    if not nrst:
        again = running.resets_seen(evidence.get("core") or {})
        nrst = {"edges": again, "window_ms": ((evidence.get("core") or {}).get("activity") or {}).get("ms") or 0}
    values["edges"], values["window_ms"] = nrst["edges"], nrst["window_ms"]
    lines = ["reset cause " + ", ".join(bitten), "%d resets in %d ms" % (nrst["edges"], nrst["window_ms"])]
    if (evidence.get("options") or {}).get("iwdg_hardware"):
        lines.append("the option bytes start the watchdog at reset")
    return CERTAIN if nrst["edges"] else LIKELY, values, lines + [map_line(evidence)], []


def _crashed(evidence):
    core = evidence.get("core") or {}
    detail = fault_words.describe(core)
    if not detail or not wrong_sectors(evidence):
        return None
    values = _counts(evidence)
    values["detail"] = detail
    return CERTAIN, values, [core_line(evidence), _flags(core), map_line(evidence)], []


def _silent(evidence):
    swd = evidence.get("swd") or {}
    if swd.get("how") != "under-reset" or not wrong_sectors(evidence):
        return None
    return LIKELY, _counts(evidence), _only_under_reset(swd) + [map_line(evidence)], []


def _quiet(evidence):
    swd = evidence.get("swd") or {}
    if swd.get("how") != "under-reset" or not owned_sectors(evidence) or evidence.get("core"):
        return None
    return LIKELY, {}, _only_under_reset(swd) + [map_line(evidence)], []


def _after_power_only(evidence):
    # Under reset a supplied chip answers whatever its firmware does, and a power cycle does nothing more for its wires.
    swd = evidence.get("swd") or {}
    if swd.get("how") not in _WITHOUT_FIRMWARE or not owned_sectors(evidence) or evidence.get("core"):
        return None
    rail = rail_of(evidence, "core")
    if rail is not None and not good(evidence, "core"):
        return None
    lines = _only_under_reset(swd) + ([say(evidence, "core")] if rail else []) + [map_line(evidence)]
    detail = "it answers only after a power cycle"
    return LIKELY, {"detail": detail}, lines, ["no-swd"] if rail else ["supply-config"]


def _fault_handler(evidence):
    core = evidence.get("core") or {}
    detail = fault_words.describe(core)
    if not detail or not owned_sectors(evidence):
        return None  # what is in flash was not compared
    return CERTAIN, {"detail": detail}, [core_line(evidence), _flags(core)], []


def _boot0_high(evidence):
    if not running.boot0_is_high(evidence) or not owned_sectors(evidence):
        return None
    boot = evidence["options"]["boot_add0"]
    lines = ["PC in system memory although BOOT_ADD0 is 0x%08x: only the pin does that" % boot, map_line(evidence)]
    return CERTAIN, {}, lines, []


def _no_crystal(evidence):
    if not running.crystal_missing(evidence) or not owned_sectors(evidence):
        return None
    kind, words = running.why_not(evidence)
    if kind != running.CRYSTAL:
        words += "; " + running.crystal_words(evidence)  # in a fault handler, say
    clocks = evidence["clocks"]
    values = (", ".join(clocks["missing"]), clocks["cr"], clocks["cfgr"], clocks["pllckselr"], clocks["pllcfgr"])
    lines = ["RCC: %s on, not ready (CR 0x%08x, CFGR 0x%08x, PLLCKSELR 0x%08x, PLLCFGR 0x%08x)" % values]
    stuck = bool(evidence["core"]["activity"]["places"]) and not words.startswith("runs")
    return CERTAIN if stuck else LIKELY, {"detail": words}, lines + [core_line(evidence), map_line(evidence)], []


def _watchdog_unfed(evidence):
    bitten = running.watchdog_has_bitten(evidence)
    nrst = evidence.get("nrst") or {"edges": 0, "window_ms": 0}
    again = max(nrst["edges"], running.resets_seen(evidence.get("core") or {}))
    hardware = (evidence.get("options") or {}).get("iwdg_hardware")
    if not bitten or not owned_sectors(evidence) or not (again or hardware):
        return None
    lines = ["reset cause " + ", ".join(bitten), "%d resets in %d ms" % (again, nrst["window_ms"]), map_line(evidence)]
    dog = evidence.get("watchdog")
    if dog is not None:
        lines.append("the independent watchdog bites after %d ms" % dog["period_ms"])
    if hardware:
        lines.append("the option bytes start the watchdog at reset")
    return CERTAIN if again else LIKELY, {"flags": ", ".join(bitten)}, lines, []


def _other_rail_out(evidence):
    for name in others(evidence):
        rail = evidence["rails"]["on"][name]
        low, high = evidence["expected"]["rails"][name]
        if not low <= rail["mv"] <= high and owned_sectors(evidence):
            values = {"rail": _OTHER_LABELS.get(name, name), "mv": rail["mv"], "low": low, "high": high}
            return LIKELY, values, [say_rail(name, rail), core_line(evidence)], []
    return None


def _options_differ(evidence):
    options = evidence.get("options")
    if not options or not evidence.get("sectors"):
        return None
    lines = [
        "%s 0x%08x, golden 0x%08x (bits 0x%08x)" % (name, options[name] & mask, value & mask, mask)
        for name, value, mask in option_values.differing(options, evidence["expected"].get("options") or ())
    ]
    names = ", ".join(line.split(" ")[0] for line in lines)
    return (CERTAIN, {"names": names}, lines + [core_line(evidence)], []) if lines else None


def _in_bootloader(evidence, pc):
    found = evidence.get("bootloader")
    return bool(found) and found["address"] <= pc < found["end"]


def _bootloader_waiting(evidence):
    found = evidence.get("bootloader")
    if not found or not owned_sectors(evidence):
        return None
    samples = (evidence.get("core") or {}).get("pc_samples") or ()
    inside = [pc for pc in samples if _in_bootloader(evidence, pc)]
    is_set = found["set"] is not None and found["flag"] == found["set"]
    if not is_set and (not inside or len(inside) < len(samples)):
        return None
    where = "" if found["flag_address"] is None else "at 0x%08x" % found["flag_address"]
    if not where:
        flag = "the job names no flag of it"
    elif is_set:
        flag = "its flag %s is set" % where
    elif found["flag"] is None:
        flag = "its flag %s is half-written" % where
    else:
        flag = "its flag %s is not set, so that it has another reason" % where
    lines = [flag, "%d of %d PC samples in the bootloader" % (len(inside), len(samples)), map_line(evidence)]
    return CERTAIN if is_set and inside else LIKELY, {"flag": flag}, lines, [] if is_set else ["not-running"]


def _latch_shorted(evidence):
    latch = evidence.get("latch")
    if not latch or latch["fell"]:
        return None
    values = dict(latch)
    values["rail"] = label_of(evidence, "between")
    line = "%s at %d mV, %d ms after %s was driven to off" % (values["rail"], latch["mv"], latch["ms"], latch["pin"])
    return CERTAIN, values, [line, map_line(evidence), core_line(evidence)], []


def _afe_watchdog(evidence):
    dropped = (evidence.get("watch") or {}).get("dropped")
    if not dropped or not owned_sectors(evidence):
        return None
    line = "%s went away %d s after power on, with nobody touching the unit" % (dropped["rail"], dropped["s"])
    return LIKELY, dropped, [line, map_line(evidence), core_line(evidence)], ["brown-out"]


def _flags(core):
    words = "faults " + (", ".join(core.get("flags") or ()) or "none")
    return words + " (CFSR 0x%08x, HFSR 0x%08x)" % (core.get("cfsr") or 0, core.get("hfsr") or 0)


def _only_under_reset(swd):
    return ["SWD %s: %s" % (attempt["how"], attempt["result"]) for attempt in swd["tries"]]


def _counts(evidence):
    return {"missing": len(wrong_sectors(evidence)), "owned": len(owned_sectors(evidence))}


def _runs_image(evidence):
    core = evidence.get("core") or {}
    if running.why_not(evidence)[0]:
        return False
    minimum = evidence["expected"]["min_clock_hz"]
    if minimum and (core.get("clock_hz") or 0) < minimum:
        return False
    samples = core.get("pc_samples") or ()
    low, high = evidence["expected"]["flash"]
    seen = [pc for pc in samples if low <= pc < high and not _in_bootloader(evidence, pc)]
    return running.sleeps(core) or bool(seen)


def _not_running(evidence):
    if not evidence.get("core") or not evidence.get("sectors") or _runs_image(evidence):
        return None
    samples = evidence["core"].get("pc_samples") or ()
    kind, words = running.why_not(evidence)
    detail = core_line(evidence) + (": it " + words if kind else "")
    drawn = [line for line in (draw_of(evidence)[1],) if line]
    if samples:
        detail += ", PC " + ", ".join(sorted({"0x%08x" % pc for pc in samples[:4]}))
    return LIKELY, {"detail": detail}, [detail, map_line(evidence)] + drawn, []


def _not_all_read(evidence):
    # What the core does was read over a disturbed wire, its clocks not at all: a bit that flips in a program counter
    # makes a loop look like firmware at work.
    disturbed = (evidence.get("swd") or {}).get("disturbed")
    lost = evidence.get("unreadable") or {}
    if not disturbed or not owned_sectors(evidence) or not ("clocks" in lost or "core" in lost):
        return None
    names = " and ".join(sorted(name for name in lost if name in ("clocks", "core")))
    lines = ["not read: %s; %d disturbances of SWD" % (names, disturbed), map_line(evidence)]
    return LIKELY, {"detail": "its %s could not be read" % names}, lines, ["no-swd"]


def _healthy(evidence):
    if not evidence.get("sectors") or not _runs_image(evidence):
        return None
    lines = [map_line(evidence), core_line(evidence)] + [line for line in (draw_of(evidence)[1],) if line]
    unseen = running.unseen(evidence, not_measured(evidence))
    nrst = evidence.get("nrst")
    if nrst:
        watched = "NRST watched for %d ms: " % nrst["window_ms"]
        if nrst["edges"]:
            unseen.append(watched + "it fell %d time(s)" % nrst["edges"])
        else:
            lines.append(watched + "no reset")
    missed = evidence.get("unseen") or ()
    if "nrst" in missed:
        unseen.append("not seen: NRST")
    if "power" in missed:
        unseen.append("not seen: a start with the power off before it")
    return LIKELY if unseen else CERTAIN, {"seen": ", as far as seen" if unseen else ""}, lines + unseen, []


RULES = (
    ("wrong-supply", _wrong_supply),
    ("watchdog-loop", _watchdog_loop),
    ("crashed", _crashed),
    ("silent-firmware", _silent),
    ("differs", _differs),
    ("cure-cut", _cure_cut),
    # Whatever else there is, with BOOT0 high the chip starts none of its flash.
    ("boot0-high", _boot0_high),
    ("bootloader-waiting", _bootloader_waiting),
    ("torn-data", _torn_unowned),
    ("no-crystal", _no_crystal),
    ("option-corruption", _options_differ),
    ("watchdog-unfed", _watchdog_unfed),
    ("latch-shorted", _latch_shorted),
    ("afe-watchdog", _afe_watchdog),
    ("reset-loop", reset_loop),
    ("lockup", _fault_handler),
    ("not-running", _not_running),
    ("v5iso-out", _other_rail_out),
    ("quiet", _quiet),
    ("swd-unstable", _after_power_only),
    ("swd-unstable", _not_all_read),
    ("healthy", _healthy),
)
