"""What a bench keeps is its owner's: made so, and put right at the next start."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from bmsrescue.config import Config
from bmsrescue.daemon.job_notes import JobNotes
from bmsrescue.fleet.fleet import Fleet
from bmsrescue.fleet.stations.backup_fetch import BackupShelf, Wanted

DATA = b"flash of a unit"


@pytest.fixture(autouse=True)
def usual_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def kept(folder: Path) -> Fleet:
    """A bench that has kept something of each kind."""
    fleet = Fleet(Config(), folder)
    sha256 = hashlib.sha256(DATA).hexdigest()
    fleet.backups.put(sha256, DATA)
    shelf = fleet.desk.shelf
    assert isinstance(shelf, BackupShelf)
    shelf.add(Wanted(sha256, "backups/one.bin", len(DATA)), DATA)
    JobNotes(folder).begin("one", "job.run", [])
    return fleet


def open_to_others(folder: Path) -> list[str]:
    paths = [folder, *folder.rglob("*")]
    return [f"{path.name} {stat.filemode(path.stat().st_mode)}" for path in paths if path.stat().st_mode & 0o077]


def test_nothing_that_is_made_can_be_read_by_others(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    fleet = kept(folder)
    assert open_to_others(folder) == []
    assert len(list(folder.rglob("*"))) > 6
    fleet.store.close()


def test_what_an_earlier_version_left_open_is_closed_at_start(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    kept(folder).store.close()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("somebody else's")
    elsewhere.chmod(0o644)
    (folder / "backups" / "link.bin").symlink_to(elsewhere)
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() else 0o644)
    Fleet(Config(), folder).store.close()
    (folder / "backups" / "link.bin").unlink()
    assert open_to_others(folder) == []
    assert stat.S_IMODE(elsewhere.stat().st_mode) == 0o644
