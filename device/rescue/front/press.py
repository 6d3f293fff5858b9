# What a press of the button brings: the job on the card, its result, and its place among the runs that were counted.
# And what a start brings besides: a record that the run before had no room for, and the self-test. In the heap for the
# moment of each.

from rescue.engine import modules
from rescue.engine.run import run

_OCCUPIED = "a run that was started by the button is under way"
_READ_MS = 5000  # of a self-test that failed


def treat(app):
    """The job on the card, from one end to the other; its result is shown and counted. (colour word, code) of it."""
    sign, record = run_job(app)
    from rescue.front.waiting import show_result

    show_result(app, sign)
    if not app.config.get("once", False):
        _count(app, record)
    return sign


def run_job(app):
    """((colour word, code), record) of the job on the card, whose result is on the screen."""
    server = app.server
    helper = app.config.get("helper", "helper")
    if server is None:
        record = run(app.ports, helper, app.screen, app.ahead)
    else:
        server.occupied = _OCCUPIED
        server.work.begin()
        modules.drop("rescue.link.methods.")
        record = run(server.work.ports, helper, app.screen, app.ahead)
        server.occupied = None
    try:
        app.more = app.screen.result(record)
    except MemoryError:
        app.more = []  # the record is made, and light and sound tell as much
    from rescuelink.outcomes import OUTCOMES

    outcome = OUTCOMES[record["outcome"]]
    return (outcome.colour, outcome.code), record


def _count(app, record):
    from rescue.front import tally

    app.tally = tally.add(app.ports.store.root, record)
    if app.pile is not None:
        app.pile[0] += 1
        app.pile[1] += tally.is_good(record)


def finish_record(app):
    """The record of the run before, for which the heap had no room, is made and shown. Whether there was one."""
    from rescue.engine.record.short_record import from_note

    record = from_note(app.ports, app.config.get("helper", "helper"))
    if record is None:
        return False
    app.screen.result(record)
    return True


def test_self(app):
    """The self-test of a start, as `"self_test"` in board.json asks for it."""
    from rescue.front import self_test

    if not self_test.at_start(app.screen, app.ports, app.config):
        app.ports.clock.sleep_ms(_READ_MS)
