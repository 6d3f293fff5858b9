# The steps of a job, in their order. Each is a function of the run (run.py) in a folder of its own; what it finds it
# leaves in the run, where later steps read it.

STEPS = (
    "job",
    "sense",
    "energise",
    "rails",
    "connect",
    "evidence",
    "map",
    "diagnosis",
    "plan",
    "backup",
    "act",
    "verify",
    "proof",
    "put-back",
)


def function_of(step):
    """The function that carries out a step; what it needs is loaded by this."""
    if step == "job":
        from rescue.engine.job.step import load_job as function
    elif step == "sense":
        from rescue.engine.examine.step import sense as function
    elif step == "energise":
        from rescue.engine.examine.step import energise as function
    elif step == "rails":
        from rescue.engine.examine.step import judge_rails as function
    elif step == "connect":
        from rescue.engine.examine.step import connect as function
    elif step == "evidence":
        from rescue.engine.examine.step import gather as function
    elif step == "map":
        from rescue.engine.survey.step import survey as function
    elif step == "diagnosis":
        from rescue.engine.diagnosis.step import find_cause as function
    elif step == "plan":
        from rescue.engine.plan.step import plan_cure as function
    elif step == "backup":
        from rescue.engine.backup.step import keep as function
    elif step == "act":
        from rescue.engine.act.step import act as function
    elif step == "verify":
        from rescue.engine.verify.step import verify_image as function
    elif step == "proof":
        from rescue.engine.proof.step import prove as function
    else:
        from rescue.engine.proof.put_back import put_back as function
    return function
