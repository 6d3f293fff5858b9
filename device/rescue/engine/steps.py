# The steps of a job, in their order. Each is a function of the run (run.py) in a folder of its own; what it finds it
# leaves in the run, where later steps read it.
#
# Of the run's fields (a test finds them in the source; what is written may be read as well):
#
# job       reads folder
#           writes ahead card_mounted image job limits power released
# sense     reads job power
#           writes evidence
# energise  reads job limits power
#           writes evidence
# rails     reads limits person power
#           writes evidence watched_ms
# connect   reads limits person power
#           writes chip disturbed evidence known_resends target watched_ms
# evidence  reads disturbed job known_resends power released resets target watched_ms
#           writes chip evidence resumed
# map       reads chip disturbed image job known_resends limits power resets resumed target
#           writes evidence
# diagnosis reads chip disturbed evidence given image job known_resends power resets resumed target
#           writes diagnosis ends_as needs
# plan      reads chip diagnosis evidence image job needs power resumed
#           writes by granted plan
# backup    reads erase_begun image job known_resends limits power resets resumed step
#           writes backup chip disturbed evidence plan target
# act       reads backup by image job limits power resets step
#           writes chip disturbed erase_begun evidence journal known_resends plan target verified
# verify    reads chip image job power
#           writes image_verified verified
# proof     reads image job limits plan power resets
#           writes chip disturbed evidence known_resends proof target
# put-back  reads backup by given image job limits plan power resets resumed step
#           writes chip cured disturbed erase_begun evidence granted journal known_resends needs proof target verified

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
COUNT = len(STEPS) + 2  # with "safe-off" and "record", which every run ends with


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
        from rescue.engine.examine.connect import connect as function
    elif step == "evidence":
        from rescue.engine.examine.gather import gather as function
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
