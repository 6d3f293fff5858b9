# job.*: the engine's own work, whole or up to a step. The host only watches: events "step", "rails", "progress",
# "diagnosis", "plan", "error", "step-end", "outcome" come while it runs; "cancel" stops it between two pieces of work.

import sys

from rescue.engine import modules
from rescue.engine.run import Run, drop_modules
from rescue.engine.steps import STEPS
from rescuelink.errors import LinkError


def steps(_work):
    """The names of the steps, in order."""
    return list(STEPS)


def run(work, finish_alone=False, consent="", by_hand=0):
    """The job on the card, from one end to the other. Returns the record, with the SHA-256 of its line: line_sha256.

    `finish_alone`: go on when the host is lost, so that an erased unit is not left behind. `consent`: what a person has
    typed that they allow, of the words that the job leaves to people (policy.ask), e.g. "wrp,sector:7". `by_hand`: for
    how many seconds a person at the host is waited for who is to do what this helper has no wire for; 0: nobody.
    """
    loaded = _begin(work, None, bool(finish_alone), consent, by_hand)
    try:
        record = work.run.carry_out()
    finally:
        _end(work, loaded)
    _note(work, "job", record["outcome"])
    return record


def until(work, step, consent="", folder="", by_hand=0):
    """The job up to and with a step before "act": nothing is changed, no record is made, the unit is off afterwards.

    `folder`: of the card, where the job to be asked about lies; "" is the card's own job. `by_hand` as for run.
    {"steps", "evidence", "diagnosis", "plan": {"lines", "steps": [{"sector", "erase", ...}], ...}, "error"}
    """
    if step not in STEPS or STEPS.index(step) >= STEPS.index("act"):
        raise LinkError("bad_params", "a step before act: " + ", ".join(STEPS[: STEPS.index("act")]))
    if ".." in folder.split("/"):
        raise LinkError("bad_params", "a path stays on the card")
    loaded = _begin(work, step, False, consent, by_hand)
    if folder:
        work.run.folder = "/" + folder
    try:
        found = work.run.carry_out()
    finally:
        _end(work, loaded)
    _note(work, "look", found["diagnosis"]["cause"] if found["diagnosis"] else "no diagnosis")
    return found


def _note(work, word, text):
    from rescue.link.log import note

    note(work, word, text)


# The run is started by the call itself: a board's stack has no frame to spare.


def _begin(work, last, finish_alone, consent, by_hand):
    work.make_safe()
    work.power = None
    work.drop_drivers()
    if work.app is not None:
        work.app.drop_screen()
    drop_modules()  # what waits for the button
    work.channel.narrow()
    work.finish_alone = finish_alone
    person = None
    if by_hand:
        from rescue.link.person import Person

        person = Person(work, by_hand)
    work.run = Run(work.ports, work.config.get("helper", "helper"), None, last, person)
    if consent:
        work.run.given = tuple(consent.split(","))
    return tuple(sys.modules)


def _end(work, loaded):
    work.run = None
    work.finish_alone = False
    work.make_safe()
    modules.drop("rescue", loaded)  # what its last steps left there
    try:
        work.channel.widen()
    except MemoryError:
        pass  # the next request asks for it once more, and is told


CALLS = {
    "steps": (steps, ""),
    "run": (run, "?bsi"),
    "until": (until, "s?ssi"),
}
