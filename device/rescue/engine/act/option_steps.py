# The part of the cure that is in the option bytes: what differs from the job's golden values, and write protection that
# is lifted for the cure and put back after it. Each change is in the journal, with the old values, before it begins.

from rescuelink.consent import OPTION_BYTES, WRITE_PROTECTION, Consent


def unprotect(run):
    """Lifts the write protection of the planned sectors; the chip's other option bytes stay."""
    mask = run.plan["unprotect"]
    _change(run, "unprotect", [("wpsn", mask, mask)], {"wpsn": mask})


def restore(run):
    """Puts the write protection back, and the golden values in force."""
    plan = run.plan
    if plan["protect"]:
        _change(run, "protect", [("wpsn", 0, plan["protect"])], {})
    if plan["options"]:
        _change(run, "options", plan["options"], {})


def _change(run, event, values, facts):
    consent = Consent((OPTION_BYTES, WRITE_PROTECTION), run.by or "policy:" + run.job.name)
    facts["consent"] = consent.to_dict()
    facts["before"] = run.plan["options_before"]
    facts["after"] = [list(value) for value in values]
    facts["uid"] = run.evidence["chip"]["uid"]
    facts["backup"] = run.backup  # a cut change may leave the chip read-protected: this is what it holds
    if run.plan["restore"]:
        facts["restore"] = True
    run.power.check()
    run.journal_write(event, facts)
    run.erase_begun = True
    run.say(event)
    run.target.family.option_writer(run.chip).change(values, consent)
