# What was found out about the unit, and is not needed to cure it, waits in the helper's own flash until the record is
# made: the heap is for the act.

import json
import os

_NAME = "/evidence.json"
# Groups that the steps from "act" on look at.
_STAY = ("chip", "rails", "sectors", "swd")


def put(run):
    """Where the helper's flash does not take it, everything stays in the heap."""
    evidence = {name: run.evidence[name] for name in run.evidence if name not in _STAY}
    try:
        with open(_path(run), "w") as file:
            json.dump({"evidence": evidence, "diagnosis": run.diagnosis}, file)
    except OSError:
        return
    run.evidence = {name: run.evidence[name] for name in _STAY if name in run.evidence}
    run.diagnosis = {}
    run.is_aside = True


def take(run):
    """Puts back what `put` took. Raises OSError when the helper's flash does not give it back."""
    with open(_path(run)) as file:
        found = json.load(file)
    os.remove(_path(run))
    run.evidence.update(found["evidence"])
    run.diagnosis = found["diagnosis"]
    run.is_aside = False


def _path(run):
    return run.ports.store.root + _NAME
