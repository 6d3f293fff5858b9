# Step "proof": a true power cycle, then the unit is only watched. Nothing but power helps it to start.
#
# After flashing, a reset proves nothing: the core supply is chosen once per power-on (chip.md#cr3-once), and debug
# enables of ours would survive it. So: power off until every rail is down, normal boot, rails, NRST quiet, attach
# without reset, PC samples and core clock. Then the debug enables are taken back and the power is removed once more.
#
# A helper that cannot take the power away, or does not see it go, looks at the unit all the same, after a reset where
# it has no switch. What it sees is told, and proves nothing of a power-on: proof["unproven"] says why.

from rescue.chips.families import prepare
from rescue.engine import modules
from rescue.hal.ports import wait_for_nrst
from rescuelink.errors import PowerError, RescueError, WireError

_HZ = 1_000_000
_NO_SWITCH = "no_switch"  # of by_hand.py
# What has switched the unit, and the drivers of the chip that was left.
_BEFORE_THE_LOOK = (
    "rescue.engine.unit.power_cycle rescue.engine.unit.power_removal rescue.engine.unit.adc_zero "
    "rescue.chips.stm32h7.chip rescue.chips.stm32h7.digest rescue.chips.stm32h7.flash"
)
_LOOK_AGAIN_MS = 50


def prove(run):
    """Sets run.proof = {"passed", "rule", "lines", "rails", "nrst", "core"}."""
    run.resets.end()
    proof = {"passed": False, "rule": run.job.proof.rule, "lines": [], "rails": None, "nrst": None, "core": None}
    proof["holds"], proof["reason"], proof["offer"] = "image", None, False
    from rescue.engine.unit import power_removal

    proof["unproven"] = power_removal.why_not(run.power)
    run.proof = proof
    if _switched_off(run):
        run.say("power cycle")
    else:
        if run.target is None:
            run.target = _attach(run)
        run.target.core.reset_halt()  # the core starts with the debug enables taken back
        run.leave_target()
        run.say("reset")
    from rescue.engine.unit import power_cycle

    proof["rails"] = power_cycle.energise(run.power)
    del power_cycle  # as a name it would keep the module
    proof["unproven"] = proof["unproven"] or power_removal.why_not(run.power)
    _not_tripped(run)
    _begin(run, proof)
    modules.drop(_BEFORE_THE_LOOK)  # what looks at the unit is as large as anything a run loads
    clock = run.ports.clock
    wait_for_nrst(run.ports)
    start = clock.ms()
    while True:
        from rescue.engine.proof.watch import goes_on, look

        quiet_ms = clock.ms()
        reason = look(run, proof) or goes_on(run, proof, quiet_ms)
        del look, goes_on
        if not reason and run.power.button:
            from rescue.engine.unit import button

            reason = button.let_go(run)
        if not reason:
            proof["passed"] = True
            break
        if clock.since_ms(start) >= run.job.proof.timeout_ms:
            proof["lines"].append(reason)
            proof["reason"] = reason
            break
        clock.sleep_ms(_LOOK_AGAIN_MS)
        from rescue.engine.unit import power_cycle

        proof["rails"] = power_cycle.observe(run.power, _LOOK_AGAIN_MS)  # a bench supply may rise for longer than most
        del power_cycle
        _not_tripped(run)
    if not run.power.can_switch():
        run.skip_to("safe-off")  # whatever it does after a mere reset: nothing is put back, and nothing is blamed
        return
    run.note_heap()
    modules.drop(modules.LOOKED_WITH)
    if proof["passed"]:
        _look_once_more(run, proof)
    if proof["passed"]:
        ended = "power switched off once more" if proof["unproven"] else "power removed once more"
        if run.power.by_hand():
            ended = "the unit is left on, for the person to switch off"
        else:
            from rescue.engine.unit import power_cycle

            power_cycle.off(run.power)
        proof["lines"].append("debug enables taken back, " + ended)
        run.skip_to("safe-off")


def _attach(run):
    from rescue.debug.connect import ATTACH, connect

    return connect(run.ports, ATTACH, _HZ, prepare)


def _not_tripped(run):
    if run.power.trip is not None:
        raise PowerError(run.power.trip["kind"], "stopped during the proof: " + run.power.trip["rail"])


def _switched_off(run):
    # False where nobody can, also a person who was asked.
    if not run.power.can_switch():
        return False
    run.leave_target()
    from rescue.engine.unit import power_cycle

    try:
        power_cycle.off(run.power)
    except PowerError as error:
        if error.kind != _NO_SWITCH:
            raise
        return False
    return True


def _begin(run, proof):
    # What is said of the power first.
    from rescue.engine.unit import power_removal

    line = power_removal.line(run.power)
    if not line and not proof["unproven"]:
        proof["unproven"] = "the chip's supply was not seen to fall"
    if proof["unproven"]:
        how = "switched off and on" if run.power.can_switch() else "reset"
        line = "the unit was %s; that its power was away is not proven: %s" % (how, proof["unproven"])
    proof["lines"].append(line)


def _look_once_more(run, proof):
    # The unit is to be switched off now in any case. Its core is stopped: does the flash still hold the image, now that
    # the power was away? And can the unit switch itself off?
    try:
        changed = _compared(run)
    except RescueError as error:
        if isinstance(error, WireError):
            proof["wire"] = error.kind
        changed = "the flash could not be compared again: " + error.message
    if changed:
        _fails(proof, changed)
    else:
        proof["lines"].append("the flash holds the image after the power was away")
    if proof["passed"] and run.job.latch is not None:
        try:
            from rescue.engine.unit import latch

            latch.test(run)
        except RescueError as error:
            proof["lines"].append("the power latch could not be tested: " + error.message)
    run.leave_target()


def _compared(run):
    # What is not as the image, "" where all is. A damaged transfer has it done again.
    tries_left = 2
    while True:
        try:
            run.target = _attach(run)
            run.chip = run.target.family.open_chip(run.target, run.ports.clock)
            run.ports.lines.unit_button(run.power.button)  # a halted core holds no latch
            run.target.core.reset_halt()
            run.chip.freeze_watchdogs()
            from rescue.engine.unit.verifier import image_holds

            return image_holds(run)
        except WireError:
            if not tries_left:
                raise
            tries_left -= 1
            run.leave_target()


def _fails(proof, reason):
    proof["passed"] = False
    proof["lines"].append(reason)
    proof["reason"] = reason
