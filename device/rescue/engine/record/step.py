# The last step: everything that is known becomes the record.

from rescue.engine import modules
from rescue.engine.run import COUNT, OUR_FAULTS

_NAME = "record"
_DRIVERS = ("rescue.chips", "rescue.debug")


def end(run):
    """Makes room, brings back what waited in the helper's flash, and returns the record as it was stored."""
    run.index = COUNT - 1
    run.step = _NAME
    run.observer.event("step", {"name": _NAME, "index": run.index, "count": COUNT})
    run.target = run.chip = run.image = run.journal = None
    for prefix in _DRIVERS:
        modules.drop(prefix)
    if run.is_aside:
        _take_back(run)
    from rescue.engine.record.report import conclude

    record = conclude(run)
    run.observer.event("outcome", {"outcome": record["outcome"], "sentence": record["sentence"]})
    run.observer.event("record", record)
    return record


def _take_back(run):
    try:
        modules.load("rescue.engine.common.spill").take(run)
    except OUR_FAULTS as error:
        run.at_fault(error)
