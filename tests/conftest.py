"""For all tests: in which order they run, and that what they start keeps its bytecode."""

from __future__ import annotations

import ctypes
import gc
import os
import sys
from pathlib import Path

import pytest
from hypothesis import settings

# Workers take file after file (--dist loadfile): those that take minutes come first, so that at the end, when one has
# nothing left to take, the others have a few seconds' work. What is not named comes last.
_LONG_FIRST = (
    "field",
    "agent",
    "third_party",
    "fleet",
    "rp2040",
    "unit/deploy",
    "unit/daemon",
    "unit/twin_servers",
    "unit/twin_core",
    "unit/twin_chip",
)
_HERE = Path(__file__).parent

# The commands, servers and interpreters that tests start are some hundred: compiling our modules anew would be a third
# of a second for each.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# The same examples each time, however long a busy machine takes for one.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")

# Young objects are looked through for circles less often than usual: that was a tenth of what a page's test costs.
# All objects are not: a bench that is done with holds a card of megabytes.
gc.set_threshold(5_000, 10, 2)


def _keep_freed_memory() -> None:
    """What is freed is used again at once: a card's 32 MiB, had page by page from the kernel, take seven times as long
    to make. Only where the C library can be told so.
    """
    if sys.platform == "linux" and hasattr(ctypes.CDLL(None), "mallopt"):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_MMAP_THRESHOLD, 128 << 20)
        mallopt(_M_TRIM_THRESHOLD, 256 << 20)


_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_keep_freed_memory()


def _rank(path: Path) -> int:
    place = path.relative_to(_HERE).as_posix() if path.is_relative_to(_HERE) else ""
    return next((rank for rank, area in enumerate(_LONG_FIRST) if place.startswith(area + "/")), len(_LONG_FIRST))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: _rank(item.path))


def pytest_collection_finish() -> None:
    """What is loaded by now stays until the end: nobody has to look through it again."""
    gc.collect()
    gc.freeze()
