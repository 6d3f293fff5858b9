# Step "diagnosis": from the evidence to a cause, and whether writing can cure it.

from rescue.engine.diagnosis import diagnose
from rescue.engine.pages import wrap

_RECOVERED = "RECOVERED"
# What a job may allow although the cause stands in the way: cause -> word in policy.consent.
_CONSENT = {
    "newer-firmware": "newer-firmware",
    "wrp": "wrp",
    "wrong-boot-address": "option-bytes",
    "option-corruption": "option-bytes",
    "rdp1": "rdp-regression",
    "bootloader-waiting": "update-flag",
}


def judge(run):
    """The diagnosis. Goes on to the plan only with a cause that writing can cure."""
    run.diagnosis = diagnose(run.evidence)
    cause = run.diagnosis["cause"]
    run.ends_as = run.diagnosis["ends_as"]
    run.observer.event("diagnosis", run.diagnosis)
    if run.screen is not None:
        run.screen.page(cause, wrap(run.diagnosis["sentence"], 16, 5))
    needs = _torn_sectors(run) if cause == "torn-data" else [_CONSENT[cause]] if cause in _CONSENT else None
    consented = needs is not None and _agreed(run, [word for word in needs if word not in run.job.consent])
    rewrite = cause == "healthy" and run.job.mode == "rewrite"
    unfinished = run.resumed is not None and run.resumed["wpsn"]  # write protection that a cut run had lifted
    if run.ends_as != _RECOVERED and not consented and not rewrite and not unfinished:
        run.skip_to("safe-off")


def _agreed(run, needs):
    # Whether the policy has it all, or a person may still be asked (in the step "plan").
    if not needs:
        return True
    run.diagnosis["needs"] = needs
    for word in needs:
        if word not in run.job.ask:
            return False
    run.needs = needs
    run.diagnosis["ask"] = True  # a person may give it
    if run.screen is not None:
        return True
    return all(word in run.given for word in needs)


def _torn_sectors(run):
    sectors = run.evidence["sectors"]
    return ["sector:%d" % sector["index"] for sector in sectors if sector["state"] == "torn" and not sector["owned"]]
