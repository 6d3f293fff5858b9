# Takes the interpreter's large table of names while the heap is whole.
#
# MicroPython keeps every name that it meets, and a full table is followed by one of twice the size, in one piece: at
# 1,260 names 15 KiB (64-bit words; 9 KiB with a board's). A helper that has worked for a while has no such piece left,
# and then a module cannot be loaded in the middle of a job. So names fill the tables before it: the agent's own, as far
# as they go, then some that nobody uses.

import gc

OWN = b""  # the agent's build writes them here, a space after each; bytes, because a place in a text is counted out
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
_STEP = 24  # names between two looks
_MOST = 2400  # some are known to the interpreter already, and take no place
_TABLE_BYTES = 8000  # less than the table that is wanted takes, more than the one before it


class _Names:
    pass


def take_large_table():
    gc.collect()
    names = _names()
    for _first in range(0, _MOST, _STEP):
        before = gc.mem_alloc()
        for _index in range(_STEP):
            getattr(_Names, next(names), None)
        gc.collect()
        if gc.mem_alloc() - before > _TABLE_BYTES:
            return


def _names():
    start = 0
    while start < len(OWN):
        end = OWN.find(b" ", start)
        yield str(OWN[start:end], "utf-8")
        start = end + 1
    for first in _LETTERS:
        for second in _LETTERS:
            yield first + second
