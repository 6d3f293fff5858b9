# What earlier runs left in the journal of a unit (journal.py), read before the next one touches it. Line by line: the
# journal of a chip with many sectors is longer than the heap is wide.

import json

from micropython import const

from rescue.engine.common.journal import NAME
from rescuelink import chain
from rescuelink.errors import CardError

_KEYS = ("uid", "job", "sector", "wpsn", "backup", "regressed", "restore", "before")
_OPTIONS = ("optsr", "optsr2", "wpsn", "boot")
_LONGEST = const(4096)  # no line of ours is
_MOST_BYTES = const(1024 * 1024)  # of a chip with 256 sectors, cut again and again


def interrupted(roots, uid, feed=None):
    """What earlier runs on a unit left unfinished, or None: {"uid", "job", "sector": the last, "sectors": all, the last
    at the end, "doubt": those in which a run may have been cut, "event": the last, "backup", "wpsn": lifted write
    protection, "regressed", "restore": everything from the backup, "before": option bytes, "line"}.

    The journal with the most lines wins: the other place may have been full or pulled. `feed` is called while it is
    read. Raises CardError (journal) for one that never ends.
    """
    most, found = 0, None
    for root in roots:
        count, state = _read(root + NAME % uid, feed)
        if count > most:
            most, found = count, state
    if found is None or found["event"] == "end":
        return None
    del found["run"]
    where = "" if found["sector"] is None else " in sector %d" % found["sector"]
    found["line"] = "the last run was cut after '%s'%s" % (found["event"], where)
    return found


def _read(path, feed):
    # (lines, what they say) of a journal since it was last ended: a run that went on may have been cut as well. A
    # damaged line was torn by a cut; its act was not begun. The last one may have no newline.
    count, state = 0, None
    left = fed = _MOST_BYTES
    try:
        with open(path, "rb") as file:
            while True:
                raw = file.readline(_LONGEST)
                if raw[-1:] != b"\n":
                    return count, state
                left -= len(raw)
                if left < 0:
                    raise CardError(
                        "journal",
                        "the unit's journal on the card is longer than any",
                        next_step="look who made this card, and remove journal-UID.jsonl from it",
                    )
                if feed is not None and fed - left >= _LONGEST:
                    fed = left
                    feed()
                try:
                    line = raw[:-1].decode()
                except UnicodeError:
                    continue
                if chain.damage(line):
                    continue
                record = json.loads(line)
                if not _is_ours(record):
                    continue
                if state is None or state["event"] == "end":
                    count, state = 0, {"sectors": [], "doubt": [], "run": []}
                count += 1
                _take_in(record, state)
    except OSError:
        return count, state  # no journal, or a card that does not answer from here on


def _is_ours(record):
    # A seal can be made by anybody.
    if not _are(record, ("event",), str):
        return False
    for key in ("sector", "wpsn"):
        if record.get(key) is not None and not isinstance(record[key], int):
            return False
    for key, names, kind in (("backup", ("file", "sha256"), str), ("before", _OPTIONS, int)):
        found = record.get(key)
        if found is not None and not (isinstance(found, dict) and _are(found, names, kind)):
            return False
    return True


def _are(values, names, kind):
    return all(isinstance(values.get(name), kind) for name in names)


def _take_in(record, state):
    state["event"] = record["event"]
    for key in _KEYS:
        state[key] = record.get(key, state.get(key))
    if record["event"] == "begin":
        state["run"] = []
    sector = record.get("sector")
    if sector is None:
        return
    for name in ("sectors", "doubt", "run"):
        if sector in state[name]:
            state[name].remove(sector)
        state[name].append(sector)
    # A line may be written one step ahead (cure.py): what came before the last two of a run is finished.
    finished = state["run"][-3:-2]
    if finished and finished[0] in state["doubt"]:
        state["doubt"].remove(finished[0])
