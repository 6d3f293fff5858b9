# Modules that are needed for a moment only: loaded when their turn comes, dropped afterwards.
#
# MicroPython keeps a module alive through sys.modules and through its package's attribute; without both, what nobody
# else refers to is collected. On CPython modules stay.

import gc
import sys

# What a look at a running core has loaded, and nothing behind it needs.
LOOKED_WITH = "rescue.engine.: unit. proof.watch rescue.debug.: cortex_m_watch rescue.chips.stm32h7.: clocks options"
_MICROPYTHON = sys.implementation.name == "micropython"


def load(name):
    """The module of that full name."""
    __import__(name)
    return sys.modules[name]


def drop(beginnings, kept=()):
    """Lets go of the loaded modules whose names begin with one of `beginnings`, except those in `kept`.

    `beginnings`: a text, with a space between them. "rescue.debug.:" stands in front of each that follows it.
    """
    if not _MICROPYTHON:
        return
    front = ""
    start = 0
    while start < len(beginnings):
        # One after the other: where the heap has run out there is no room for all of them.
        end = beginnings.find(" ", start)
        end = len(beginnings) if end < 0 else end
        beginning, start = beginnings[start:end], end + 1
        if beginning.endswith(":"):
            front = beginning[:-1]
            continue
        beginning = front + beginning
        for name in list(sys.modules):
            if name.startswith(beginning) and name not in kept:
                _forget(name)
    gc.collect()


def forget(name):
    """Lets go of the module of that full name if it is loaded; its room is there at the next collection."""
    if _MICROPYTHON and name in sys.modules:
        _forget(name)


def _forget(name):
    sys.modules.pop(name)
    package, _, leaf = name.rpartition(".")
    if package in sys.modules and hasattr(sys.modules[package], leaf):
        delattr(sys.modules[package], leaf)
