# What is told beside the cause: findings that no cause rests on and that the person at the bench wants to know. They
# are lines of the diagnosis, and only for what is out of the ordinary.

from rescue.engine.diagnosis.about_rails import others
from rescue.engine.diagnosis.rules_common import name_of

_ZERO_RAW = 10 * 16  # of 65536
_DPIDR = 0x6BA02477  # of every STM32H7
_SYSTEM_MEMORY = 0x1FF00000
_ITCM_KIB = 64
_STEADY_HZ = 1_000_000
_ACTVOSRDY = 1 << 13
_LDO, _SMPS, _BYPASS = 2, 4, 1
_UNSEEN = {"nrst": "NRST", "pulls": "SWDIO and SWCLK under weak pulls", "current": "the supply's current"}
_UNTRIED = {"power": "a power cycle", "boot0": "BOOT0", "unit_button": "the unit's button"}
_EVERY_START = ("PORRSTF", "BORRSTF", "PINRSTF", "CPURSTF", "D1RSTF", "D2RSTF")


def lines(evidence):
    found = []
    for part in (
        _unseen_lines,
        _zero_lines,
        _meter_lines,
        _button_lines,
        _unread,
        _option_lines,
        _guarded_lines,
        _supply_lines,
        _chip_lines,
        _watch_lines,
    ):
        found += part(evidence)
    return found


def doubts(evidence):
    """Why a unit that seems to be in order is not certainly so."""
    return _unread(evidence) + _rail_lines(evidence)


def _guarded_lines(evidence):
    options = evidence.get("options") or {}
    if not options.get("pcrop") and not options.get("secure_area"):
        return []
    from rescue.engine.diagnosis.rules_guarded import lines as of_areas  # seldom needed

    return of_areas(evidence)


def _unread(evidence):
    unread = evidence.get("unreadable") or {}
    return ["not read: %s (%s)" % (name, unread[name]) for name in sorted(unread)]


def _unseen_lines(evidence):
    # What this helper has no wire to, and what it could therefore not try.
    missed = evidence.get("unseen") or ()
    found = [_UNSEEN.get(name, name) for name in missed if name not in _UNTRIED]
    lines = ["not seen by this helper: " + ", ".join(found)] if found else []
    untried = [_UNTRIED[name] for name in _UNTRIED if name in missed]
    return lines + (["not tried: " + ", ".join(untried)] if untried else [])


def _zero_lines(evidence):
    # The helper's own: what its ADC reads at 0 V.
    zero = (evidence.get("rails") or {}).get("zero")
    if not zero:
        return []
    if zero["raw"] is None:
        return ["the ADC's zero was not found: low voltages may read too high"]
    if zero["raw"] < _ZERO_RAW:
        return []
    return ["the ADC reads %d of 4096 steps at 0 V (%s): taken off every reading" % (zero["raw"] // 16, zero["by"])]


def _meter_lines(evidence):
    on = (evidence.get("rails") or {}).get("on") or {}
    return ["%s %d mV by a person's meter" % (name, on[name]["mv"]) for name in evidence.get("by_meter") or ()]


def _button_lines(evidence):
    button = (evidence.get("rails") or {}).get("button")
    if not button:
        return []
    line = "%s reads %d mV with the unit's button held" % (button["rail"], button["mv"])
    if button["before_mv"] is not None:
        line += ", %d mV without" % button["before_mv"]
    return [line + (", as the job says" if button["by"] == "job" else "")]


def _option_lines(evidence):
    options = evidence.get("options")
    if not options:
        return []
    found = []
    if options.get("change_error"):
        found.append("OPTCHANGEERR is set: an earlier change of option bytes went wrong")
    if options.get("iwdg_hardware"):
        found.append("the option bytes start the watchdog at reset")
    for key, name in (("reset_on_stop", "Stop"), ("reset_on_standby", "Standby")):
        if options.get(key):
            found.append("the option bytes reset the chip when its firmware enters " + name)
    if options.get("bor_level"):
        found.append(
            "brown-out level %d: the chip is held in reset below %d mV" % (options["bor_level"], options["bor_mv"])
        )
    if options.get("io_high_speed"):
        found.append("IO_HSLV is set, which is for supplies below 2.7 V")
    if options.get("boot_add1", _SYSTEM_MEMORY) != _SYSTEM_MEMORY:
        found.append("BOOT_ADD1 0x%08x: started with BOOT0 high" % options["boot_add1"])
    if options.get("itcm_kib", _ITCM_KIB) != _ITCM_KIB:
        found.append("ITCM has %d KiB by option bytes" % options["itcm_kib"])
    if options.get("swap_bank"):
        found.append("the banks are swapped (SWAP_BANK): addresses are as the core sees them")
    return found


def _supply_lines(evidence):
    found = _rail_lines(evidence)
    supply = evidence.get("supply")
    if supply and (found or not supply["csr1"] & _ACTVOSRDY):
        chosen = supply["cr3"]
        names = [name for bit, name in ((_LDO, "LDO"), (_SMPS, "SMPS"), (_BYPASS, "bypass")) if chosen & bit]
        ready = "ready" if supply["csr1"] & _ACTVOSRDY else "not ready"
        how = " and ".join(names) or "nothing"
        words = (how, chosen, ready, supply["csr1"], supply["d3cr"])
        found.append("core supply by %s (PWR_CR3 0x%08x), %s (CSR1 0x%08x, D3CR 0x%08x)" % words)
    return found


def _rail_lines(evidence):
    # The rails that no cause is about by themselves; with the supply missing they say nothing.
    if not evidence.get("chip"):
        return []
    windows = (evidence.get("expected") or {}).get("rails") or {}
    found = []
    on = (evidence.get("rails") or {}).get("on") or {}
    for name in others(evidence) + [name_of(evidence, "core")]:
        rail, window = on.get(name), windows.get(name)
        if rail is not None and window and not window[0] <= rail["mv"] <= window[1]:
            found.append("%s reads %d mV, outside %d..%d" % (name, rail["mv"], window[0], window[1]))
    return found


def _chip_lines(evidence):
    found = []
    chip = evidence.get("chip") or {}
    if chip.get("revision") == "unknown":
        found.append("%s of revision 0x%04x, which nobody has tried" % (chip.get("name"), chip["rev_id"]))
    swd = evidence.get("swd") or {}
    if swd.get("how") and (swd.get("hz") or _STEADY_HZ) < _STEADY_HZ:
        found.append("SWD works at %d kHz and no faster: look at its wires" % (swd["hz"] // 1000))
    if swd.get("left_halted"):
        found.append("the core was left halted by a debugger: it was started anew, and then looked at")
    if swd.get("dpidr") not in (None, _DPIDR):
        aps = swd.get("aps") or {}
        idrs = ", ".join(["AP%s 0x%08x" % (number, aps[number]) for number in sorted(aps) if aps[number] is not None])
        found.append("DPIDR 0x%08x is not an STM32H7's (%s)" % (swd["dpidr"], idrs or "no access ports seen"))
    cause = evidence.get("reset_cause") or {}
    other = [flag for flag in cause.get("flags") or () if flag not in _EVERY_START]
    if other:
        found.append("reset since power on: %s (RCC_RSR 0x%08x)" % (", ".join(other), cause["raw"]))
    return found


def _watch_lines(evidence):
    watch = evidence.get("watch") or {}
    found = []
    if watch.get("edges"):
        found.append("NRST fell %d times in the watch of %d s" % (watch["edges"], watch["s"]))
    windows = (evidence.get("expected") or {}).get("rails") or {}
    seen = watch.get("rails") or {}
    for name in sorted(seen):
        low, high = seen[name]
        window = windows.get(name)
        if window and not (window[0] <= low and high <= window[1]):
            found.append("%s %d..%d mV in the watch, outside %d..%d" % (name, low, high, window[0], window[1]))
    return found
