# helper.*: the helper itself.

import gc
import json
import os
import sys

from rescuelink import rpc
from rescuelink.errors import LinkError


def info(bench):
    """What hello answered."""
    from rescue.link.hello import about

    return about(bench)


def time(bench):
    """{"ms", "us"} of the helper's clock; only differences mean anything."""
    return {"ms": bench.ports.clock.ms(), "us": bench.ports.clock.us()}


def heap(bench):
    """{"free", "used"} bytes after a collection; nil where the interpreter does not tell."""
    gc.collect()
    if not hasattr(gc, "mem_free"):
        return {"free": None, "used": None}
    return {"free": gc.mem_free(), "used": gc.mem_alloc()}


def log(bench, older=False, offset=0):
    """Binary: a window of the log from `offset`, empty at its end. `older`: of the file before. Lines of JSON, each
    [ms since the start, word, text]: "opened" and "ended" sessions, "cut" power, "job" or "look" and its outcome, the
    "consent" to erase and write sectors, a "change" that a host made, a "fault" of the agent's own.
    """
    from rescue.link.log import read_into

    view = bench.window(rpc.WINDOW_BYTES)
    return view[: read_into(bench, older, offset, view)]


def echo(_bench, data):
    """`data` as it came: the round trip and nothing else."""
    return data


def board(_bench):
    """Binary: board.json, as it lies on the helper."""
    with open(_board_json(), "rb") as file:
        return file.read()


def set_board(bench, data):
    """Another board.json, in force from the next start on (`helper.reset`). The unit is made safe first."""
    try:
        good = isinstance(json.loads(str(data, "utf8")), dict)
    except (ValueError, UnicodeError):
        good = False
    if not good:
        raise LinkError("bad_params", "this is no board.json")
    bench.make_safe()
    path = _board_json()
    with open(path + ".new", "wb") as file:
        file.write(data)
    try:
        os.rename(path + ".new", path)
    except OSError:  # FAT replaces nothing
        os.remove(path)
        os.rename(path + ".new", path)


def _board_json():
    # As main.py has it.
    return sys.argv[1] if len(sys.argv) > 1 else "board.json"


def safe(bench):
    """The safe state: power off, every line let go."""
    bench.make_safe()


def repl(bench):
    """Leave the agent for the interpreter's prompt, as mpremote needs it. The unit is made safe first.

    No watchdog counts at the prompt. A board whose watchdog cannot be stopped starts once more for it: its port
    vanishes for that moment.
    """
    bench.make_safe()
    bench.leave = "repl"


def reset(bench):
    """Restart the helper after this answer; the unit is made safe first."""
    bench.make_safe()
    bench.leave = "reset"


CALLS = {
    "info": (info, ""),
    "time": (time, ""),
    "heap": (heap, ""),
    "log": (log, "?bi"),
    "echo": (echo, "B"),
    "board": (board, ""),
    "set_board": (set_board, "B"),
    "safe": (safe, ""),
    "repl": (repl, ""),
    "reset": (reset, ""),
}
