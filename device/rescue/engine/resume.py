# What an earlier run left in its journal (journal.py), read before the next one begins. Line by line: the journal of a
# chip with many sectors is longer than the heap is wide.

import json

from micropython import const

from rescue.engine.journal import NAME
from rescuelink import chain

_KEYS = ("uid", "job", "sector", "wpsn", "backup", "regressed", "restore", "before")
_LONGEST = const(4096)  # no line of ours is


def interrupted(roots):
    """What an earlier run left unfinished, or None: {"uid", "job", "sector": the last, "sectors": all, the last at the
    end, "event": the last, "backup", "wpsn": lifted write protection, "regressed", "restore": everything from the
    backup, "before": option bytes, "line"}.

    The journal with the most lines wins: the other place may have been full or pulled.
    """
    most, found = 0, None
    for root in roots:
        count, state = _read(root + NAME)
        if count > most:
            most, found = count, state
    if found is None or found["event"] == "end":
        return None
    where = "" if found["sector"] is None else " in sector %d" % found["sector"]
    found["line"] = "the last run was cut after '%s'%s" % (found["event"], where)
    return found


def _read(path):
    # (lines, what they say) of the newest run in a journal. A damaged line ends it, since what follows cannot be
    # ordered; so does a torn last line, which has no newline.
    count, state = 0, None
    try:
        with open(path, "rb") as file:
            while True:
                raw = file.readline(_LONGEST)
                if raw[-1:] != b"\n":
                    return count, state
                try:
                    line = raw[:-1].decode()
                except UnicodeError:
                    return count, state
                if chain.damage(line):
                    return count, state
                record = json.loads(line)
                if state is None or record["event"] == "begin":
                    count, state = 0, {"sectors": []}
                count += 1
                _take_in(record, state)
    except OSError:
        return count, state  # no journal, or a card that does not answer from here on


def _take_in(record, state):
    state["event"] = record["event"]
    for key in _KEYS:
        state[key] = record.get(key, state.get(key))
    if "sector" in record:
        sectors = state["sectors"]
        if record["sector"] in sectors:
            sectors.remove(record["sector"])
        sectors.append(record["sector"])
