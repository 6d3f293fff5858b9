# Append-only lines, on the card and in the helper's own flash, written before each step that cannot be undone.
#
# Each line is sealed (rescuelink.chain) and carries a sequence number. A run that ended closes its journal with "end";
# one that was cut leaves a journal without it, which the next run reads. The journal says what happened; what is to be
# done now comes from the sector map, because a sector that was being written when the power went is never trusted.

import json
import os

from rescue.engine import files
from rescuelink import chain

_NAME = "/journal.jsonl"
_TAIL_BYTES = 8192


class Journal:
    """The journal of one run, mirrored in every root that is there. `lost`: roots that no longer take lines."""

    def __init__(self, roots):
        self._roots = list(roots)
        self._sequence = 0
        self._previous = ""
        self.lost = []

    def write(self, event, facts):
        """One line, everywhere, forced out. Returns False when no place took it."""
        self._sequence += 1
        record = dict(facts)
        record["event"] = event
        record["n"] = self._sequence
        line = chain.seal(record, self._previous)
        self._previous = chain.line_hash(line)
        kept = False
        for root in list(self._roots):
            try:
                files.append_line(root + _NAME, line)
                kept = True
            except OSError:
                self._roots.remove(root)
                self.lost.append(root)
        return kept

    def close(self):
        """The run came to its end: nothing to resume."""
        self.write("end", {})
        for root in self._roots:
            try:
                os.remove(root + _NAME)
            except OSError:
                continue  # "end" is in it, which says the same


def interrupted(roots):
    """What an earlier run left unfinished: {"uid", "job", "sector", "event", "line"}, or None.

    The journal with the most lines wins: the other place may have been full or pulled.
    """
    best = []
    for root in roots:
        lines = _sound(files.tail_lines(root + _NAME, _TAIL_BYTES))
        if len(lines) > len(best):
            best = lines
    return summarise(best)


def summarise(lines):
    """What a list of parsed journal lines says about the run that wrote them; None when it came to its end."""
    if not lines or lines[-1]["event"] == "end":
        return None
    result = {"uid": None, "job": None, "sector": None, "event": lines[-1]["event"]}
    for line in lines:
        for key in ("uid", "job", "sector"):
            if key in line:
                result[key] = line[key]
    where = "" if result["sector"] is None else " in sector %d" % result["sector"]
    result["line"] = "the last run was cut after '%s'%s" % (result["event"], where)
    return result


def _sound(lines):
    # From the newest "begin" on; damaged lines end it, since what follows them cannot be ordered.
    sound = []
    for line in lines:
        if chain.damage(line):
            break
        record = json.loads(line)
        if record["event"] == "begin":
            sound = []
        sound.append(record)
    return sound
