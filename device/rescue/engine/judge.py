# Step "diagnosis": from the evidence to a cause, and whether writing can cure it.

from rescue.engine.diagnosis import diagnose

_RECOVERED = "RECOVERED"


def judge(run):
    """The diagnosis. Goes on to the plan only with a cause that writing can cure."""
    run.diagnosis = diagnose(run.evidence)
    cause = run.diagnosis["cause"]
    run.ends_as = run.diagnosis["ends_as"]
    run.observer.event("diagnosis", run.diagnosis)
    consented = cause == "torn-data" and run.job.consent
    rewrite = cause == "healthy" and run.job.mode == "rewrite"
    if run.ends_as != _RECOVERED and not consented and not rewrite:
        run.skip_to("safe-off")
