# Steps "diagnosis", "plan" and "verify": the judgements between the measurements and the acts.

from rescue.engine.diagnosis import diagnose
from rescue.engine.plan import make_plan
from rescue.engine.verify import Verifier
from rescuelink.diagnoses import CAUSES


def judge(run):
    """The diagnosis. Goes on to the plan only with a cause that writing can cure."""
    run.diagnosis = diagnose(run.evidence)
    cause = CAUSES[run.diagnosis["cause"]]
    run.ends_as = cause.ends_as
    run.observer.event("diagnosis", run.diagnosis)
    consented = run.diagnosis["cause"] == "torn-data" and run.job.consent
    rewrite = run.diagnosis["cause"] == "healthy" and run.job.mode == "rewrite"
    if not cause.curable and not consented and not rewrite:
        run.skip_to("safe-off")


def plan(run):
    """The smallest cure, shown before it is carried out."""
    dirty = ()
    if run.resumed is not None and run.resumed["uid"] == run.evidence["chip"]["uid"]:
        dirty = (run.resumed["sector"],)
    run.plan = make_plan(run.evidence["sectors"], run.job, dirty)
    run.observer.event("plan", {"lines": run.plan["lines"], "estimate_ms": run.plan["estimate_ms"]})
    if not run.plan["steps"]:
        run.skip_to("safe-off")


def verify(run):
    """The whole image once more, after the last write; the map "after" for the record."""
    verifier = Verifier(run.chip)
    segments = run.job.image.segments
    progress = run.progress_in("verify", "segments")
    for index, segment in enumerate(segments):
        run.power.check()
        length = segment.end(run.job.word_bytes) - segment.address
        verifier.check(run.image, segment.address, length)
        progress(index + 1, len(segments))
    run.verified["by_crc"] += verifier.by_crc
    run.verified["by_reading"] += verifier.by_reading
    planned = [step["sector"] for step in run.plan["steps"]]
    for sector in run.evidence["sectors"]:
        state = sector["state"]
        if sector["owned"]:
            state = "match"
        elif sector["index"] in planned:
            state = "unknown"
        run.sectors_after.append({"index": sector["index"], "state": state})
