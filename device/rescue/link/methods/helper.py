# helper.*: the helper itself.

import gc
import json

from rescue import board_file
from rescuelink import rpc
from rescuelink.errors import LinkError


def info(work):
    """What hello answered."""
    from rescue.link.hello import about

    return about(work)


def time(work):
    """{"ms", "us"} of the helper's clock; only differences mean anything."""
    return {"ms": work.ports.clock.ms(), "us": work.ports.clock.us()}


def heap(work):
    """{"free", "used"} bytes after a collection; nil where the interpreter does not tell."""
    gc.collect()
    if not hasattr(gc, "mem_free"):
        return {"free": None, "used": None}
    return {"free": gc.mem_free(), "used": gc.mem_alloc()}


def log(work, older=False, offset=0):
    """Binary: a window of the log from `offset`, empty at its end. `older`: of the file before. Lines of JSON, each
    [ms since the start, word, text]: "opened" and "ended" sessions, "cut" power, "job" or "look" and its outcome, the
    "consent" to erase and write sectors, a "change" that a host made, a "fault" of the agent's own.
    """
    from rescue.link.log import read_into

    view = work.window(rpc.WINDOW_BYTES)
    return view[: read_into(work, older, offset, view)]


def echo(_work, data):
    """`data` as it came: the round trip and nothing else."""
    return data


def board(_work):
    """Binary: board.json, as it lies on the helper."""
    with open(board_file.path(), "rb") as file:
        return file.read()


def set_board(work, data):
    """Another board.json, in force from the next start on (`helper.reset`). The unit is made safe first."""
    try:
        good = isinstance(json.loads(str(data, "utf8")), dict)
    except (ValueError, UnicodeError):
        good = False
    if not good:
        raise LinkError("bad_params", "this is no board.json")
    work.make_safe()
    board_file.write(data)


def safe(work):
    """The safe state: power off, every line let go."""
    work.make_safe()


def repl(work):
    """Leave the agent for the interpreter's prompt, as mpremote needs it. The unit is made safe first.

    No watchdog counts at the prompt. A board whose watchdog cannot be stopped starts once more for it: its port
    vanishes for that moment.
    """
    work.make_safe()
    work.leave = "repl"


def reset(work):
    """Restart the helper after this answer; the unit is made safe first."""
    work.make_safe()
    work.leave = "reset"


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
