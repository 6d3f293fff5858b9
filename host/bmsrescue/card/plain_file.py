"""Files of a card that somebody brings: whoever made it may have put links, pipes and devices among them."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import IO

_FLAGS = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def is_plain(path: Path, root: Path) -> bool:
    """An ordinary file that lies in the folder `root` itself: no link of either sort, nothing that is waited on."""
    try:
        return _is_own(path.lstat()) and path.resolve() == root.resolve() / path.relative_to(root)
    except (OSError, RuntimeError):  # a circle of links
        return False


def open_plain(path: Path, root: Path) -> IO[bytes] | None:
    """The same, opened; None where it is none. What is opened is what was looked at, whoever exchanges it meanwhile.

    Raises:
        OSError: it is one, and cannot be read.
    """
    if not is_plain(path, root):
        return None
    file = os.fdopen(os.open(path, _FLAGS), "rb")
    if not _is_own(os.fstat(file.fileno())):
        file.close()
        return None
    return file


def _is_own(state: os.stat_result) -> bool:
    """A hard link is another name of a file that may lie anywhere."""
    return stat.S_ISREG(state.st_mode) and state.st_nlink <= 1
