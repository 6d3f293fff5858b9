# "It runs": one answer for the diagnosis and for the proof, from what was seen of core, clocks and resets.
#
# A core that is not halted is not yet firmware at work: it may wait for ever for its crystal, sit in a fault handler,
# be in the system bootloader, or be reset by a watchdog again and again. A pure function of the evidence, runnable on a
# stored record. Where the evidence cannot tell, the answer is that it runs, and `unseen` says what was not seen.

_LOOP_BYTES = 64
_LONG_MS = 3000  # it was watched for so long because it may end by itself
_ROM = (0x1FF00000, 0x1FF20000)  # the system bootloader
_HSE = "HSE"
LSE = "LSE"
_WATCHDOGS = ("IWDG1RSTF", "WWDG1RSTF")

BOOT0 = "boot0"
CRYSTAL = "crystal"
FAULT = "fault"
RESET = "reset"
LOOP = "loop"
ASLEEP = "asleep"
OTHER = "other"


def why_not(evidence):
    """("", "") when what was seen is firmware at work; else (kind, what is the matter, in words).

    Judges evidence["core"], ["clocks"] and, for a program counter in system memory, ["options"].
    """
    core = evidence.get("core") or {}
    state = core.get("state")
    if state == "lockup" or core.get("exception"):
        from rescue.engine.unit import fault_words  # seldom needed, and large

        detail = fault_words.describe(core)
        if detail:
            return FAULT, detail
    if state not in ("running", "sleeping"):
        return OTHER, "is in %s" % state
    if resets_seen(core):
        return RESET, "is reset again and again (%d times in %d ms)" % (resets_seen(core), core["activity"]["ms"])
    if boot0_is_high(evidence):
        at = "0x%08x" % core["pc_samples"][-1]
        return BOOT0, "is in the system bootloader (PC %s): BOOT0 is high at reset: look for a jumper or bridge" % at
    kind, words = _stuck(core)
    if crystal_missing(evidence):
        words = words or "runs on %s" % evidence["clocks"]["source"]
        return CRYSTAL, "%s%s; %s" % (words, _speed(core), crystal_words(evidence))
    if kind:
        missing = (evidence.get("clocks") or {}).get("missing") or ()
        if missing:
            words += "; %s asked for and not ready" % ", ".join(missing)
        return kind, words
    if state == "running" and not core.get("clock_hz") and len(set(core.get("pc_samples") or ())) == 1:
        return OTHER, "does not execute: PC stays at 0x%08x, no clock cycles" % core["pc_samples"][0]
    return "", ""


def sleeps(core):
    """Whether the core sleeps, as far as seen, and wakes again: at the very instant of one look it may be awake."""
    if core.get("state") == "sleeping":
        return True
    activity = core.get("activity") or {}
    return bool(activity.get("entries")) and activity["asleep"] == activity["samples"]


def resets_seen(core):
    """How often the core was reset while it was watched."""
    return (core.get("activity") or {}).get("resets") or 0


def boot0_is_high(evidence):
    """Whether the core is in system memory although the option bytes start the flash: only the pin does that."""
    core = evidence.get("core") or {}
    boot = (evidence.get("options") or {}).get("boot_add0")
    if boot is None or boot >> 24 != 8 or core.get("state") not in ("running", "sleeping"):
        return False
    samples = [pc for pc in core.get("pc_samples") or () if pc != 0xFFFFFFFF]
    return bool(samples) and all(_ROM[0] <= pc < _ROM[1] for pc in samples)


def crystal_missing(evidence):
    """Whether the firmware has asked for the crystal, and it does not run. Without the one of the real-time clock much
    firmware works all the same: that one counts where the core waits in a loop."""
    missing = (evidence.get("clocks") or {}).get("missing") or ()
    return _HSE in missing or (LSE in missing and _stuck(evidence.get("core") or {})[0] == LOOP)


def crystal_words(evidence):
    """What is missing, and where to look."""
    if _HSE not in evidence["clocks"]["missing"]:
        return "LSE asked for and not ready: look at the crystal of 32 kHz"
    part = "oscillator that feeds it" if evidence["clocks"]["bypass"] else "crystal"
    return "HSE asked for and not ready: look at the " + part


def watchdog_has_bitten(evidence):
    """Names of the watchdogs that have reset the chip since power came."""
    flags = (evidence.get("reset_cause") or {}).get("flags") or ()
    return [flag for flag in flags if flag in _WATCHDOGS]


def warnings(evidence):
    """What will keep the image from running once it is written, as lines for the diagnosis."""
    lines = []
    if boot0_is_high(evidence):
        lines.append("BOOT0 is high at reset: look for a jumper or bridge, else the chip never starts its flash")
    if crystal_missing(evidence):
        lines.append(crystal_words(evidence))
    return lines


def unseen(evidence, rails=()):
    """What a certain verdict would need and nobody has seen, as lines; `rails`: those without a wire."""
    lines = []
    activity = (evidence.get("core") or {}).get("activity")
    if activity is not None:
        if activity["asleep"] == activity["samples"]:
            lines.append("not seen awake: it slept through %d ms" % activity["ms"])
        elif activity["high"] - activity["low"] <= _LOOP_BYTES and not activity["asleep"]:
            lines.append("not seen outside %s; interrupts are served, as far as seen" % _loop(activity))
    for name in (evidence.get("clocks") or {}).get("missing") or ():
        lines.append(name + " asked for and not ready")
    for name in watchdog_has_bitten(evidence):
        lines.append("%s: a watchdog has reset the chip since power-on" % name)
    return lines + ["not measured: " + name for name in rails]


def _stuck(core):
    # A loop of a few instructions, or a sleep that nothing ends.
    activity = core.get("activity")
    if activity is None:
        return "", ""
    if activity["asleep"] == activity["samples"]:
        if activity["armed"] or activity["entries"]:
            return "", ""
        return ASLEEP, "sleeps for good: no interrupt is enabled"
    if activity["asleep"] or activity["high"] - activity["low"] > _LOOP_BYTES:
        return "", ""
    inside = activity["exceptions"]
    if activity["entries"] and 0 in inside:
        return "", ""  # a small idle loop under interrupts that are served
    words = "is stuck in " + _loop(activity)
    if activity["ms"] > _LONG_MS:
        words = "has been in %s for all of %d ms" % (_loop(activity), activity["ms"])
    if 0 not in inside:
        words += " in the handler of exception %d" % inside[-1]
    return LOOP, words


def _loop(activity):
    if activity["places"] == 1:
        return "a loop at one address (0x%08x)" % activity["low"]
    return "a loop of %d instructions at 0x%08x" % (activity["places"], activity["low"])


def _speed(core):
    return " at %d MHz" % ((core.get("clock_hz") or 0) // 1000000)
