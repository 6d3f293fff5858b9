# Step "diagnosis": from the evidence to a cause, and whether writing can cure it.

from rescue.engine.diagnosis.diagnose import diagnose


def find_cause(run):
    """The diagnosis. Goes on to the plan only with a cause that writing can cure."""
    swd = run.evidence.get("swd")
    if swd is not None and run.is_disturbed():
        swd["disturbed"] = run.disturbances()  # so far: a rule asks for it, and the record has all of them in the end
    run.diagnosis = diagnose(run.evidence, run.note_heap)
    cause = run.diagnosis["cause"]
    run.ends_as = run.diagnosis["ends_as"]
    run.observer.event("diagnosis", run.diagnosis)
    if run.screen is not None:
        run.screen.tell(cause, run.diagnosis["sentence"])
    from rescue.engine.diagnosis.may_go_on import may_go_on  # not beside the rules

    if not may_go_on(run, cause):
        run.skip_to("safe-off")
