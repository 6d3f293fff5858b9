# The last step: everything that is known becomes the record.

from rescue.engine import job_runner, modules

_NAME = "record"
_DRIVERS = ("rescue.chips", "rescue.debug")


def end(run):
    """Makes room, brings back what waited in the helper's flash, and returns the record as it was stored."""
    run.index = job_runner.COUNT - 1
    run.step = _NAME
    run.observer.event("step", {"name": _NAME, "index": run.index, "count": job_runner.COUNT})
    run.target = run.chip = run.image = run.journal = None
    for prefix in _DRIVERS:
        modules.drop(prefix)
    if run.is_aside:
        _take_back(run)
    from rescue.engine.report import conclude

    record = conclude(run)
    run.observer.event("outcome", {"outcome": record["outcome"], "sentence": record["sentence"]})
    run.observer.event("record", record)
    return record


def _take_back(run):
    try:
        modules.load("rescue.engine.aside").take(run)
    except job_runner.OUR_FAULTS as error:
        run.at_fault(error)
