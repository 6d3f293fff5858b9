# How a run ends that was only to look: nothing was changed, and there is no record.


def findings(run):
    """What is known of a unit of which nothing was changed."""
    if run.card_mounted:
        run.ports.card.unmount()
    return {
        "steps": run.steps,
        "evidence": run.evidence,
        "diagnosis": run.diagnosis,
        "plan": run.plan,
        "error": None if run.error is None else run.error.to_dict(),
    }
