# Step "put-back", reached only where the image is written and the unit does not run it: a look by every way there is,
# and what the unit held before, from the backup, where the job or a person allows it.
#
# Putting back is another cure, under the same laws: journalled, sector by sector, each one verified. A run that is cut
# in it leaves a unit that the next run finds as any other.

from rescue.chips.families import prepare
from rescue.debug.connect import ATTACH
from rescue.engine.common.blocks import blocks
from rescue.engine.common.source import FROM_BACKUP, FROM_IMAGE
from rescue.engine.unit import ladder
from rescuelink.errors import RescueError, WireError

_WORD = "put-back"
_DEAD_MV = 300
_AS_AT_POWER_ON = 6  # of PWR_CR3: nobody has chosen a core supply


def put_back(run):
    """Sets what the ladder has found in run.proof, "holds" to what the unit holds now, and "offer"."""
    proof = run.proof
    run.cured = True  # the image is written and verified, whatever comes of this look
    _look_again(run, proof)
    if proof["wire"] and run.is_disturbed() and proof["swd"]["how"] in (None, ATTACH):
        # Nobody has seen it fail: what was in the way all along was in the way once more, and nothing is put back.
        message = "the image is written and verified, and whether it runs could not be seen: " + proof["reason"]
        raise WireError(proof["wire"], message)
    if run.target is None:
        return
    steps = _steps(run)
    if not steps:
        return
    if not _agreed(run, proof):
        proof["offer"] = True
        return
    run.cured = False  # until it is done: what is cut now is gone on with by the next run
    run.resets.begin(run.target.core)
    run.target.core.reset_halt()
    run.chip.freeze_watchdogs()
    from rescue.engine.act.cure import Cure

    Cure(run, steps).carry_out()
    run.cured = True
    proof["holds"] = "before"
    proof["lines"].append("put back from the backup: sector(s) " + ", ".join([str(step["sector"]) for step in steps]))


def _look_again(run, proof):
    found = []
    run.target, swd = ladder.connect(run.ports, run.power, run.limits, prepare)
    run.evidence["swd"]["tries"] += swd["tries"]
    proof["swd"] = swd
    if run.target is None:
        proof["lines"].append("the chip answers by no way, not even under reset or through BOOT0")
        return
    found.append("it answers by " + swd["how"])
    try:
        run.chip = run.target.family.open_chip(run.target, run.ports.clock)
        supply = proof["supply"] = run.chip.supply()
        found.append("PWR_CR3 0x%08x, CSR1 0x%08x" % (supply["cr3"], supply["csr1"]))
        if swd["how"] == ATTACH and supply["cr3"] & 7 != _AS_AT_POWER_ON and not supply["csr1"] >> 13 & 1:
            found.append("the core supply that the image has chosen is not ready")
    except RescueError as error:
        found.append("its core supply could not be read (%s)" % error.kind)
        run.leave_target()
    vcap = (proof["rails"] or {}).get(run.power.seen("core"))
    if swd["how"] != ATTACH and vcap is not None and vcap["min_mv"] < _DEAD_MV and "dropped" not in proof:
        found.append("VCAP is gone whenever the image runs: it chooses a core supply that this board does not have")
    proof["after_lines"] = found
    proof["lines"] += found


def _steps(run):
    # The sectors that have been rewritten from the image since the backup, each as the backup has it.
    plan = run.plan
    if plan["regress"] or plan["restore"] or plan["protect"] or plan["options"] or run.backup is None:
        return []  # the state before was more than these sectors
    written = {step["sector"] for step in plan["steps"] if step["source"] == FROM_IMAGE}
    if run.resumed is not None:
        written.update(run.resumed["doubt"])  # by the run that was cut, from whose backup this one goes on
    from rescue.engine.plan import smallest_cure as plan_of

    steps = []
    for index, address, size, owned in blocks(run.chip.flash.sectors(), run.job):
        if owned and index in written:
            sector = {"index": index, "address": address, "size": size, "count": size // run.job.sector_bytes}
            steps.append(plan_of.make_step(sector, True, FROM_BACKUP, plan_of.has_vectors(sector, run.job), _WORD))
    steps.sort(key=plan_of.order)
    return steps


def _agreed(run, proof):
    if _WORD in run.job.consent:
        return True
    if _WORD not in run.job.ask:
        return False
    if _WORD in run.given:
        return True
    if run.screen is None:
        return False
    granted, run.needs = run.granted, (_WORD,)
    agreed = run.screen.ask(run)
    proof["put_back"], run.granted = run.granted, granted
    return agreed
