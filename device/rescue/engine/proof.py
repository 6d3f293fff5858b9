# Step "proof": a true power cycle, then the unit is only watched. Nothing but power helps it to start.
#
# After flashing, a reset proves nothing: the core supply is chosen once per power-on (anchors B 1), and debug enables
# of ours would survive it. So: power off until every rail is down, normal boot, rails, NRST quiet, attach without
# reset, PC samples and core clock. Then the debug enables are taken back and the power is removed once more.

from rescue.chips.table import H72x
from rescue.debug.connect import ATTACH, connect
from rescue.engine import modules
from rescue.engine.evidence import watch_reset
from rescuelink.errors import PowerError, RescueError, WireError

_SAMPLES = 16
_HZ = 1_000_000
_LOOK_AGAIN_MS = 50
_PIN_LOOK_MS = 5
_LEVELS = ("low", "high")
_RAILS = ("bplus", "v12", "v3v3", "vcap")  # the isolated 5 V is not regulated


def prove(run):
    """Sets run.proof = {"passed", "rule", "lines", "rails", "nrst", "core"}."""
    run.leave_target()
    run.power.off()
    run.say("power cycle")
    proof = {"passed": False, "rule": run.job.proof.rule, "lines": [], "rails": None, "nrst": None, "core": None}
    run.proof = proof
    proof["rails"] = run.power.energise()
    if run.power.trip is not None:
        raise PowerError(run.power.trip["kind"], "power was cut during the proof: " + run.power.trip["rail"])
    proof["lines"].append("all rails were below %d mV, then came up" % run.limits.discharged_mv)
    clock = run.ports.clock
    start = clock.ms()
    while True:
        reason = _look(run, proof)
        if not reason:
            proof["passed"] = True
            break
        if clock.since_ms(start) >= run.job.proof.timeout_ms:
            proof["lines"].append(reason)
            break
        clock.sleep_ms(_LOOK_AGAIN_MS)
    if proof["passed"] and run.job.latch is not None:
        _test_latch(run)
    run.power.off()
    if proof["passed"]:
        proof["lines"].append("debug enables taken back, power removed once more")


def _test_latch(run):
    # The unit is to be switched off now in any case: let it show that it can do so by itself.
    try:
        run.target = connect(run.ports, ATTACH, _HZ, H72x.debug_setup)
        run.target.core.reset_halt()
        modules.load("rescue.engine.latch").test(run)
    except RescueError as error:
        run.proof["lines"].append("the power latch could not be tested: " + error.message)
    run.leave_target()


def _look(run, proof):
    # One look at the running unit; "" when it does what the rule asks, else what is missing.
    window_ms = run.job.proof.window_ms
    proof["nrst"] = watch_reset(run.ports, window_ms)
    if proof["nrst"]["level"] == 0 or proof["nrst"]["edges"]:
        return "NRST is not quiet: level %d, %d edges" % (proof["nrst"]["level"], proof["nrst"]["edges"])
    if not run.power.vtref_steady():
        return "3.3 V is not steady"
    for name in _RAILS:
        window, mv = run.limits.rails[name], proof["rails"][name]["mv"]
        if not window.low_mv <= mv <= window.high_mv:
            return "%s reads %d mV, outside %d..%d" % (name, mv, window.low_mv, window.high_mv)
    try:
        target = connect(run.ports, ATTACH, _HZ, H72x.debug_setup)
    except WireError as error:
        return "the running unit does not answer on SWD (%s)" % error.kind
    try:
        core = target.core
        proof["core"] = {
            "state": core.state(),
            "pc_samples": core.pc_samples(_SAMPLES),
            "clock_hz": core.cycles_hz(window_ms),
        }
        missing = _judge(proof, run.job) or _asked(run, target.ap0, proof["lines"])
        core.release()
    except RescueError as error:
        return "the core cannot be watched (%s)" % error.kind
    finally:
        run.ports.wire.release()
    return missing


def _asked(run, ap, lines):
    # What the job asks for beyond a running core: "" when the firmware does it.
    rule, clock = run.job.proof, run.ports.clock
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
    pins = modules.load("rescue.chips.h7_pins")
    first = pins.level(ap, name)
    if level is not None:
        if first != level:
            return name + " is " + _LEVELS[first]
        lines.append(name + " is " + _LEVELS[first])
        return ""
    start = clock.ms()
    while clock.since_ms(start) < rule.window_ms:
        clock.sleep_ms(_PIN_LOOK_MS)
        if pins.level(ap, name) != first:
            lines.append(name + " toggles")
            return ""
    return name + " stays " + _LEVELS[first]


def _judge(proof, job):
    core = proof["core"]
    if core["state"] not in ("running", "sleeping"):
        return "the core is in %s" % core["state"]
    if core["state"] == "running" and not core["clock_hz"] and len(set(core["pc_samples"])) == 1:
        # A core that is not halted may still execute nothing: then neither its PC nor its cycle counter moves.
        return "the core does not execute: PC stays at 0x%08x, no clock cycles" % core["pc_samples"][0]
    inside = [pc for pc in core["pc_samples"] if job.owns(pc, 1)]
    if not inside and core["state"] != "sleeping":
        return "the core runs, but not the image (PC 0x%08x)" % core["pc_samples"][0]
    if core["clock_hz"] < job.proof.min_clock_hz:
        return "the core clock is %d Hz, the job asks for %d" % (core["clock_hz"], job.proof.min_clock_hz)
    proof["lines"].append("the core is %s, %d of %d PC samples in the image" % (core["state"], len(inside), _SAMPLES))
    proof["lines"].append("core clock %.1f MHz" % (core["clock_hz"] / 1e6))
    return ""
