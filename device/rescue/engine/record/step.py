# The last step: everything that is known becomes the record.

from rescue.engine import modules
from rescue.engine.own_faults import OUR_FAULTS
from rescue.engine.steps import COUNT

_NAME = "record"


def end(run):
    """Makes room, brings back what waited in the helper's flash, and returns the record as it was stored."""
    run.index = COUNT - 1
    run.step = _NAME
    run.observer.event("step", {"name": _NAME, "index": run.index, "count": COUNT})
    run.target = run.chip = run.image = run.journal = None
    modules.drop("rescue.chips rescue.debug")
    if run.is_spilled:
        _take_back(run)
    from rescue.engine.record.report import conclude

    record = conclude(run)
    run.observer.event("outcome", {"outcome": record["outcome"], "sentence": record["sentence"]})
    run.observer.event("record", record)
    return record


def _take_back(run):
    from rescue.engine.record import spill

    try:
        spill.take(run)
    except OUR_FAULTS as error:
        run.at_fault(error)
