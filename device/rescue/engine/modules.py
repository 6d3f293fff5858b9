# Modules that are needed for a moment only: loaded when their turn comes, dropped afterwards.
#
# MicroPython keeps a module alive through sys.modules and through its package's attribute; without both, what nobody
# else refers to is collected. On CPython modules stay.

import gc
import sys

# What a look at a running core has loaded, and nothing behind it needs.
LOOKED_WITH = (
    "rescue.engine.unit. rescue.engine.proof.watch rescue.debug.cortex_m_watch rescue.chips.stm32h7.clocks "
    "rescue.chips.stm32h7.options"
)
_MICROPYTHON = sys.implementation.name == "micropython"


def load(name):
    """The module of that full name."""
    __import__(name)
    return sys.modules[name]


def drop(prefixes, kept=()):
    """Lets go of the loaded modules whose names begin with one of `prefixes`, a text, except those in `kept`."""
    if not _MICROPYTHON:
        return
    start = 0
    while start < len(prefixes):
        # One after the other: where the heap has run out there is no room for all of them.
        end = prefixes.find(" ", start)
        end = len(prefixes) if end < 0 else end
        prefix, start = prefixes[start:end], end + 1
        for name in list(sys.modules):
            if name.startswith(prefix) and name not in kept:
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
