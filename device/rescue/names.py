# Takes the interpreter's large table of names while the heap is whole.
#
# MicroPython keeps every name that it meets, and a full table is followed by one of twice the size, in one piece: at
# 1,260 names 14 KiB (64-bit words; 7.5 to 9 KiB with a board's). A helper that has worked for a while has no such piece
# left, and then a module cannot be loaded in the middle of a job. So names fill the tables before it: the agent's own,
# as far as they go, then some that nobody uses.

import gc
import sys

OWN = b""  # the agent's build writes them here, a space after each; bytes, because a place in a text is counted out
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
_OWN_STEP = 192  # names between two looks, each of which takes a board 70 ms: of the agent's own,
_STEP = 24  # and of those that nobody uses
_MOST = 2400  # some are known to the interpreter already, and take no place
# Less than the table that is wanted takes, more than the one before it: 1280 and 640 places of 6 or 7 bytes, 10 to 12
# where a word has 64 bits (py/qstr.c).
_TABLE_BYTES = 6000 if sys.maxsize >> 32 == 0 else 10000


class _Names:
    pass


def take_large_table():
    gc.collect()
    names = _names()
    own, taken = OWN.count(b" "), 0
    while taken < _MOST:
        step = _OWN_STEP if taken + _OWN_STEP <= own else _STEP
        before = gc.mem_alloc()
        for _index in range(step):
            getattr(_Names, next(names), None)
        taken += step
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
