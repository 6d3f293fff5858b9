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
    consented = _CONSENT.get(cause) in run.job.consent or (cause == "torn-data" and _torn_sectors_allowed(run))
    rewrite = cause == "healthy" and run.job.mode == "rewrite"
    unfinished = run.resumed is not None and run.resumed["wpsn"]  # write protection that a cut run had lifted
    if run.ends_as != _RECOVERED and not consented and not rewrite and not unfinished:
        run.skip_to("safe-off")


def _torn_sectors_allowed(run):
    torn = [sector["index"] for sector in run.evidence["sectors"] if sector["state"] == "torn" and not sector["owned"]]
    return all("sector:%d" % index in run.job.consent for index in torn)
