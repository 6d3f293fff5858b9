"""The emulator's core compiled for this very interpreter is loaded instead of the package's own, once it has been made:
`python -m bmsrescue.twin.rp2040.compile_emulator`.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import sys
import sysconfig
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Final

import platformdirs

_PACKAGE: Final = "rp2040py.native."
SUFFIX: Final[str] = sysconfig.get_config_var("EXT_SUFFIX")


class CompiledFinder(MetaPathFinder):
    """Finds the modules of `package` that were compiled into `folder`."""

    def __init__(self, folder: Path, package: str = _PACKAGE) -> None:
        self._folder = folder
        self._package = package

    def find_spec(
        self, fullname: str, _path: Sequence[str] | None = None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not fullname.startswith(self._package):
            return None
        file = self._folder / (fullname.removeprefix(self._package) + SUFFIX)
        return importlib.util.spec_from_file_location(fullname, file) if file.is_file() else None


def folder() -> Path:
    """Where the compiled core lies: one place for each version of the emulator and of Python."""
    version = importlib.metadata.version("rp2040py")
    return platformdirs.user_cache_path("bmsrescue") / f"rp2040py-{version}{SUFFIX}"


def prefer() -> None:
    """Load what was compiled from here on, if anything was."""
    try:
        place = folder()
    except importlib.metadata.PackageNotFoundError:
        return
    if place.is_dir():
        sys.meta_path.insert(0, CompiledFinder(place))
