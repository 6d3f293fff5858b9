# What an earlier run left in its journal (journal.py), read before the next one begins.

import json
import os

from micropython import const

from rescue.engine.journal import NAME
from rescuelink import chain

_TAIL_BYTES = const(8192)


def interrupted(roots):
    """What an earlier run left unfinished, or None: {"uid", "job", "sector": the last, "sectors": all, the last at the
    end, "event": the last, "backup", "wpsn": lifted write protection, "regressed", "line"}.

    The journal with the most lines wins: the other place may have been full or pulled.
    """
    best = []
    for root in roots:
        lines = _sound(_tail_lines(root + NAME))
        if len(lines) > len(best):
            best = lines
    return summarise(best)


def summarise(lines):
    """What a list of parsed journal lines says about the run that wrote them; None when it came to its end."""
    if not lines or lines[-1]["event"] == "end":
        return None
    result = {"event": lines[-1]["event"], "sectors": []}
    for key in ("uid", "job", "sector", "wpsn", "backup", "regressed"):
        result[key] = None
        for line in lines:
            if key in line:
                result[key] = line[key]
    for line in lines:
        if "sector" in line:
            if line["sector"] in result["sectors"]:
                result["sectors"].remove(line["sector"])
            result["sectors"].append(line["sector"])
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


def _tail_lines(path):
    # The complete lines at the end of a file. A torn last line (no newline) is left out.
    try:
        size = os.stat(path)[6]
        with open(path, "rb") as file:
            if size > _TAIL_BYTES:
                file.seek(size - _TAIL_BYTES)
            data = file.read(_TAIL_BYTES)
    except OSError:
        return []
    end = data.rfind(b"\n")
    if end < 0:
        return []
    start = 0 if size <= _TAIL_BYTES else data.find(b"\n") + 1
    lines = []
    for raw in data[start:end].split(b"\n"):
        try:
            lines.append(raw.decode())
        except UnicodeError:
            lines.append("")
    return lines
