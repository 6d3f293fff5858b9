# Append-only lines, on the card and in the helper's own flash, written before each step that cannot be undone.
#
# Each line is sealed (rescuelink.seal) and carries a sequence number. A run that ended closes its journal with "end";
# one that was cut leaves a journal without it, which the next run on this unit reads (resume.py): each unit has a file
# of its own, which waits for it whatever the helper does to others in between. The journal says what happened; what is
# to be done now comes from the sector map; that a sector reads blank in which the power went proves nothing.

import os

from rescue.engine.common import files
from rescuelink import seal

NAME = "/journal-%s.jsonl"  # of a unit, by the UID of its chip


class Journal:
    """The journal of one run, mirrored in every root that is there. `lost`: roots that no longer take lines."""

    def __init__(self, roots, uid):
        self._name = NAME % uid
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
        line = seal.seal(record, self._previous)
        self._previous = seal.line_hash(line)
        kept = False
        for root in list(self._roots):
            try:
                files.append_line(root + self._name, line)
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
                os.remove(root + self._name)
            except OSError:
                continue  # "end" is in it, which says the same
