# How many units, how they ended, and the newest of them: one small file in the helper's own flash, written anew after
# each run. The records are the truth; this is what a person at the dongle looks at.

import json

_NAME = "/tally.json"
_KEPT = 5
_GOOD = ("RECOVERED", "RECOVERED_CHECK_CONFIG", "NO_FAULT_FOUND")


def read(root):
    """{"runs", "good", "by": {outcome: how often}, "last": [[uid or None, outcome], ...]}, the newest first."""
    try:
        with open(root + _NAME) as file:
            found = json.load(file)
        if set(found) == {"runs", "good", "by", "last"}:
            return found
    except (OSError, ValueError, TypeError):
        pass
    return {"runs": 0, "good": 0, "by": {}, "last": []}


def is_good(record):
    """Whether that unit ended well."""
    return record["outcome"] in _GOOD


def add(root, record):
    """With this record's run; returns what was made of it. A file system writes the whole file, or leaves the old."""
    tally = read(root)
    outcome = record["outcome"]
    unit = record.get("unit")
    tally["runs"] += 1
    tally["good"] += is_good(record)
    tally["by"][outcome] = tally["by"].get(outcome, 0) + 1
    tally["last"] = [[unit and unit.get("uid"), outcome]] + tally["last"][: _KEPT - 1]
    try:
        with open(root + _NAME, "w") as file:
            json.dump(tally, file)
    except OSError:
        pass  # the record is safe; only what the display counts is not
    return tally
