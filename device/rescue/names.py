# Takes the interpreter's large table of names while the heap is whole.
#
# MicroPython keeps every name that it meets, and a full table is followed by one of twice the size, in one piece: at
# 1,260 names 15 KiB (64-bit words; 9 KiB with a board's). A helper that has worked for a while has no such piece left,
# and then a module cannot be loaded in the middle of a job. So names that nobody uses fill the tables before it.

import gc

_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
_STEP = 24  # names between two looks
_MOST = 1000
_TABLE_BYTES = 8000  # less than the table that is wanted takes, more than the one before it


class _Names:
    pass


def take_large_table():
    gc.collect()
    for first in range(0, _MOST, _STEP):
        before = gc.mem_alloc()
        for index in range(first, first + _STEP):
            getattr(_Names, _LETTERS[index % 26] + _LETTERS[index // 26 % 36], None)
        gc.collect()
        if gc.mem_alloc() - before > _TABLE_BYTES:
            return
