# What was found out about the unit waits in the helper's own flash until the record is made: the heap is for the act.

import json
import os

_NAME = "/evidence.json"
_RAILS = {"off": None, "on": None, "trip": None, "ma": None}


def put(run):
    """Where the helper's flash does not take it, everything stays in the heap."""
    found = run.evidence
    try:
        with open(_path(run), "w") as file:
            json.dump({"evidence": found, "diagnosis": run.diagnosis, "steps": run.steps}, file)
    except OSError:
        return
    # What the steps from here on read, and the places that they write to.
    run.evidence = {"chip": {"uid": found["chip"]["uid"]}, "rails": dict(_RAILS), "swd": {"tries": [], "hz": None}}
    run.diagnosis = {}
    run.steps = []
    run.is_spilled = True


def take(run):
    """Puts back what `put` took, with what came since. Raises OSError when the helper's flash has lost it."""
    with open(_path(run)) as file:
        found = json.load(file)
    os.remove(_path(run))
    evidence, since = found["evidence"], run.evidence
    evidence["swd"]["tries"] += since["swd"]["tries"]
    evidence["swd"]["hz"] = since["swd"]["hz"] or evidence["swd"]["hz"]
    for name in since:
        if name not in ("chip", "rails", "swd"):
            evidence[name] = since[name]
    run.evidence = evidence
    run.diagnosis = found["diagnosis"]
    run.steps = found["steps"] + run.steps
    run.is_spilled = False


def _path(run):
    return run.ports.store.root + _NAME
