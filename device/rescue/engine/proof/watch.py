# The running unit as the proof sees it: rails, NRST, core, and what the job asks for. Only watched.

from rescue.chips.families import prepare
from rescue.engine import modules
from rescue.engine.unit.nrst_watch import SELDOM_MS, watch_on, watch_reset
from rescuelink.errors import RescueError, WireError

_HZ = 1_000_000
_PIN_LOOK_MS = 5
_LONGEST_MS = 20_000
_LEVELS = ("low", "high")
_IWDG1_SW = 1 << 4  # of FLASH_OPTSR: clear where the hardware starts the watchdog
_ROLES = ("input", "between", "logic", "core")  # what else there is need not be regulated


def look(run, proof):
    """One look at the running unit; "" when it does what the rule asks, else what is missing."""
    proof["core"] = proof["wire"] = None
    _note_drop(run, proof)
    nrst = watch_reset(run.ports, run.job.proof.window_ms)
    if run.ports.sees_nrst():
        proof["nrst"] = nrst
        if nrst["level"] == 0 or nrst["edges"]:
            return "NRST is not quiet: level %d, %d edges" % (nrst["level"], nrst["edges"])
    if not run.power.vtref_steady():
        return "the chip's supply is not steady"
    for role in _ROLES:
        name = run.power.seen(role)
        if name is None:
            continue  # the unit has none, or this helper has no wire to it
        window, mv = run.limits.rails[name], proof["rails"][name]["mv"]
        if not window.low_mv <= mv <= window.high_mv:
            return "%s reads %d mV, outside %d..%d" % (name, mv, window.low_mv, window.high_mv)
    try:
        target = _attach(run)
    except WireError as error:
        proof["wire"] = error.kind
        return "the running unit does not answer on SWD (%s)" % error.kind
    try:
        missing = _watched(run, proof, target)
        target.core.release()
    except RescueError as error:
        proof["wire"] = error.kind if isinstance(error, WireError) else None
        return "the core cannot be watched (%s)" % error.kind
    finally:
        run.ports.wire.release()
    return missing


def _attach(run):
    from rescue.debug.connect import ATTACH, connect

    modules.forget("rescue.debug.connect")  # the look that follows takes room
    return connect(run.ports, ATTACH, _HZ, prepare)


def _note_drop(run, proof):
    # The chip's supply has come up, and is gone by now: for what is said of it where the proof fails.
    name = run.power.seen("logic")
    if name is not None and "dropped" not in proof and proof["rails"][name]["mv"] < run.limits.rails[name].low_mv // 2:
        proof["dropped"] = {"rail": name, "s": run.ports.clock.since_ms(run.power.started_ms) // 1000}


def goes_on(run, proof, since_ms):
    """Whether it goes on by itself, with nobody on its wires: "" when no reset has come again since `since_ms`."""
    if not run.ports.sees_nrst():
        return ""
    run.say("resets")
    found = watch_on(run, since_ms)
    if found["edges"] > 1:
        proof["nrst"] = found
        values = (found["edges"], found["window_ms"], found["period_ms"])
        return "the unit was reset %d times in %d ms, every %d ms" % values
    line = "NRST watched for %d ms: " % found["window_ms"]
    proof["lines"].append(line + ("it fell once, and not again in %d ms" % SELDOM_MS if found["edges"] else "no reset"))
    return ""


def _watched(run, proof, target):
    # The core as the diagnosis looks at it, then what the job asks for, then for as long as a watchdog may take.
    from rescue.engine.unit import running, running_look

    proof["clocks"] = running_look.clocks(target, run.ports.clock)
    proof["core"] = running_look.core(target.core, proof["clocks"])
    proof["watchdog"] = target.family.watchdog(target.ap0)
    proof["reset_cause"] = target.family.reset_cause(target.ap0)
    modules.drop("rescue.chips.stm32h7.identity rescue.chips.stm32h7.clocks")  # which have told that
    samples = proof["core"]["pc_samples"]
    in_system_memory = samples and all(0x1FF00000 <= pc < 0x1FF20000 for pc in samples)
    if in_system_memory or (run.plan and run.plan["options"]):
        proof["options"] = target.family.open_chip(target, run.ports.clock).options.read()
    lines = []  # of this look alone
    missing = _judge(proof, run.job, lines)
    asked = _asked(run, target, lines)
    if missing and _moves(run.job.proof) and running.why_not(proof)[0] in (running.LOOP, running.ASLEEP):
        missing = ""  # a loop that changes the word or pin that the job asks for is at work
    if missing or asked:
        return missing or asked
    period_ms = running_look.period_of(proof, True, _by_option_byte(run.plan))
    again_ms = run.resets.found()["period_ms"]  # somebody has reset it while it was worked on: does it go on?
    if again_ms:
        period_ms = max(period_ms, min(again_ms, _LONGEST_MS))
    if period_ms:
        run.say("watchdog: %d ms" % period_ms)
        running_look.watch_resets(run, target, proof, period_ms)
        proof["reset_cause"] = target.family.reset_cause(target.ap0)
        nrst = proof["nrst"] or {"edges": 0, "window_ms": proof["core"]["activity"]["ms"]}
        again = max(nrst["edges"], running.resets_seen(proof["core"]))
        if again:
            cause = ", ".join(running.watchdog_has_bitten(proof)) or "cause not readable"
            return "the unit was reset %d times in %d ms (%s)" % (again, nrst["window_ms"], cause)
        lines.append("no reset in %d ms, longer than the watchdog's %d ms" % (nrst["window_ms"], period_ms))
    proof["lines"] += lines + running.unseen(proof, run.power.unseen())
    return ""


def _by_option_byte(plan):
    # Whether the option bytes started a watchdog at reset, as the plan has it; the evidence is on the card by now.
    before = (plan or {}).get("options_before")
    return before is not None and not before["optsr"] & _IWDG1_SW


def _moves(rule):
    return (rule.mailbox is not None and rule.mailbox[2] is None) or (rule.pin is not None and rule.pin[1] is None)


def _asked(run, target, lines):
    # What the job asks for beyond a running core: "" when the firmware does it.
    rule, clock, ap = run.job.proof, run.ports.clock, target.ap0
    if rule.mailbox is not None:
        address, mask, value = rule.mailbox
        found = ap.read32(address) & mask
        if value is None:
            clock.sleep_ms(rule.window_ms)
            value, found = found, ap.read32(address) & mask
            if value == found:
                return "the word at 0x%08x stays at 0x%08x" % (address, found)
            lines.append("the word at 0x%08x goes from 0x%08x to 0x%08x" % (address, value, found))
        elif found != value & mask:
            return "the word at 0x%08x reads 0x%08x, not 0x%08x" % (address, found, value & mask)
        else:
            lines.append("the word at 0x%08x reads 0x%08x" % (address, found))
    if rule.pin is None:
        return ""
    name, level = rule.pin
    first = target.family.pin_level(ap, name)
    if level is not None:
        if first != level:
            return name + " is " + _LEVELS[first]
        lines.append(name + " is " + _LEVELS[first])
        return ""
    start = clock.ms()
    while clock.since_ms(start) < rule.window_ms:
        clock.sleep_ms(_PIN_LOOK_MS)
        if target.family.pin_level(ap, name) != first:
            lines.append(name + " toggles")
            return ""
    return name + " stays " + _LEVELS[first]


def _judge(proof, job, lines):
    from rescue.engine.unit import running

    core = proof["core"]
    kind, words = running.why_not(proof)
    if kind:
        flags = ", ".join(core.get("flags") or ())
        return "the core " + words + (" (CFSR 0x%08x: %s)" % (core["cfsr"], flags) if flags else "")
    inside = [pc for pc in core["pc_samples"] if job.owns(pc, 1)]
    activity = core["activity"]
    ours = inside or (activity["low"] is not None and job.owns(activity["low"], 1))
    if not ours and activity["asleep"] < activity["samples"]:
        return "the core runs, but not the image (PC 0x%08x)" % (activity["low"] or core["pc_samples"][0])
    if core["clock_hz"] < job.proof.min_clock_hz:
        return "the core clock is %d Hz, the job asks for %d" % (core["clock_hz"], job.proof.min_clock_hz)
    count = len(core["pc_samples"])
    lines.append("the core is %s, %d of %d PC samples in the image" % (core["state"], len(inside), count))
    lines.append("core clock %.1f MHz" % (core["clock_hz"] / 1e6))
    return ""
