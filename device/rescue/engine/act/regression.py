# Read protection level 1 to 0, where the job consents to it: the whole flash is erased, calibration included. There is
# no backup before it, because the flash cannot be read. What follows is the cure of a blank chip.

from rescue.chips.families import prepare
from rescue.engine.unit import ladder
from rescue.hal.ports import wait_for_nrst
from rescuelink.consent import RDP_REGRESSION, Consent
from rescuelink.errors import WireError


def regress(run):
    """Leaves the chip open, after a proven power removal, its core halted after a reset. Raises what stopped it."""
    run.say("erasing everything")
    consent = Consent((RDP_REGRESSION,), run.by or "policy:" + run.job.name)
    facts = {"uid": run.evidence["chip"]["uid"], "job": run.job.name, "consent": consent.to_dict()}
    facts["before"] = run.plan["options_before"]
    facts["backup"] = run.backup
    facts["restore" if run.plan["restore"] else "regressed"] = True
    run.power.check()
    run.journal_write("regression", facts)
    run.erase_begun = True
    if not run.plan["restore"]:
        run.evidence["regressed"] = True
    run.target.core.halt()
    run.target.family.option_writer(run.chip).regress(consent)
    run.leave_target()
    from rescue.engine.unit import power_cycle

    power_cycle.cycle(run.power)
    wait_for_nrst(run.ports)  # a supervisor holds it low after power has come; flash answers nothing till then
    run.target, swd = ladder.connect(run.ports, run.power, run.limits, prepare)
    if run.target is None:
        raise WireError("no_ack", "the chip does not answer after its read protection was removed")
    run.evidence["swd"]["tries"] += swd["tries"]
    run.chip = run.target.family.open_chip(run.target, run.ports.clock)
    run.resets.again(run.target.core)
    run.target.core.reset_halt()
    run.chip.freeze_watchdogs()
    for step in run.plan["steps"]:
        # Blank is what it must be now; what is not is erased like any other sector.
        step["erase"] = not run.chip.digest.is_blank(step["address"], step["size"])
