"""What only its owner may read: a data folder holds customers' firmware, password hashes, the way to the helpers."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from bmsrescue.errors import HostError

FOLDER_MODE, FILE_MODE = 0o700, 0o600
RECORDS_FILE = "records.sqlite3"
# Of what may lie in a data folder, that which bmsrescue itself puts there.
_OURS = (
    f"{RECORDS_FILE}*",
    "backups",
    "backups-coming",
    "webhook.json",
    "webhook-secret",
    "daemon.json",
    "daemon-jobs.json",
)


def private_data_folder(folder: Path) -> None:
    """Make it, or put its permissions right, and those of what bmsrescue keeps in it. Raises HostError."""
    try:
        folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    except OSError as error:
        raise HostError(f"cannot make {folder}: {error.strerror}", "Choose another folder.") from error
    for path in (folder, *(found for name in _OURS for found in folder.glob(name))):
        _close(path)
        if path != folder and path.is_dir() and not path.is_symlink():
            for below in _below(path):
                _close(below)


def make_private_file(path: Path) -> None:
    """An empty file where there is none; others may not read it from its first byte on. Raises OSError."""
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, FILE_MODE))
    _close(path)


def _below(folder: Path) -> Iterator[Path]:
    for root, folders, files in os.walk(folder):
        for name in (*folders, *files):
            yield Path(root) / name


def _close(path: Path) -> None:
    if path.is_symlink():
        return  # it leads to what somebody keeps elsewhere
    with contextlib.suppress(OSError):  # gone meanwhile, or somebody else's: what cannot be changed goes on as it is
        mode = path.stat().st_mode
        if mode & 0o077:
            path.chmod(mode & 0o700)
