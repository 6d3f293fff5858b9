# What happened, for somebody who was not there: sessions, power cuts, how jobs ended. Lines of JSON in the helper's own
# flash, [ms since its start, word, text], and no heap in between: loaded for a line or a look, dropped after it.

import json
import os

from micropython import const

_NAME = "/link-log.jsonl"
_OLDER = "/link-log-old.jsonl"
_MOST_BYTES = const(4096)  # then the older file goes
_TEXT_LETTERS = const(100)


def note(work, word, text):
    """A line more. A flash that is full or worn costs the line, and nothing else."""
    path = work.ports.store.root + _NAME
    try:
        if _size(path) > _MOST_BYTES:
            older = work.ports.store.root + _OLDER
            if _size(older):
                os.remove(older)
            os.rename(path, older)
        with open(path, "a") as file:
            file.write(json.dumps([work.ports.clock.ms(), word, text[:_TEXT_LETTERS]]) + "\n")
    except OSError:
        return


def read_into(work, older, offset, view):
    """The bytes of a window from `offset`; 0 at the end, or where there is no log."""
    try:
        with open(work.ports.store.root + (_OLDER if older else _NAME), "rb") as file:
            file.seek(offset)
            return file.readinto(view)
    except OSError:
        return 0


def _size(path):
    try:
        return os.stat(path)[6]
    except OSError:
        return 0
