"""Backups come from a station's helper by themselves: whole, once, and without keeping anybody waiting."""

import asyncio
import hashlib
import random
from pathlib import Path
from typing import Any

import fsspec
import pytest
from sqlalchemy import select

from bmsrescue.fleet import ledger
from bmsrescue.fleet.backups import BackupFolder
from bmsrescue.fleet.models import Backup
from bmsrescue.fleet.stations import backup_fetch
from bmsrescue.fleet.stations.backup_fetch import BackupShelf
from bmsrescue.fleet.stations.desk import Desk
from bmsrescue.fleet.stations.settings import StationSettings
from bmsrescue.fleet.stations.station import Station
from bmsrescue.fleet.store import Store
from fake_station import FakeHelper

_DATA = random.Random(0).randbytes(10 * 2048 + 100)
_PATH = "backups/365139384138470400BD0010-1.bin"
_BACKUP = {"file": _PATH, "sha256": hashlib.sha256(_DATA).hexdigest(), "bytes": len(_DATA), "verified": True}


class Place:
    """A station whose helper has made a backup; `url` is where backups are kept."""

    def __init__(self, store: Store, folder: Path, url: str) -> None:
        with store.write() as session:
            self.site = ledger.own_site(session)
        self.store, self.folder = store, folder
        self.backups = BackupFolder(url)
        self.helper = FakeHelper()
        self.now = 0.0
        self.start_again()

    def start_again(self) -> None:
        self.desk = Desk(self.store, self.site, StationSettings(label="X[0-9]+"))
        self.desk.shelf = BackupShelf(self.store, self.site, self.backups, self.folder)
        self.station = Station("one", self.helper, self.desk, lambda _status: None)

    def wait(self, looks: int) -> str:
        async def pass_time() -> None:
            for _look in range(looks):
                self.now += 0.5
                await self.station.tick(self.now)

        asyncio.run(pass_time())
        return self.station.state

    def recover(self, backup: dict[str, Any]) -> None:
        """A unit is recovered and stays; the helper has begun to give its backup."""
        self.helper.present = True
        self.station.port = self.helper
        self.wait(6)
        self.station.scan("X1", "otto")
        assert self.wait(2) == "working"
        self.helper.end_job("RECOVERED", backup=backup)
        assert self.wait(1) == "PASS"

    def reads(self) -> int:
        return self.helper.asked.count("card.read")

    def kept(self) -> list[str]:
        with self.store.read() as session:
            return list(session.scalars(select(Backup.sha256)))


@pytest.fixture
def place(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """Each slice is one window."""
    monkeypatch.setattr(backup_fetch, "_SLICE_S", -1.0)
    made = Place(store, tmp_path / "coming", str(tmp_path / "backups"))
    made.helper.card[_PATH] = _DATA
    return made


def test_a_backup_comes_while_its_result_is_held(place: Place) -> None:
    place.recover(_BACKUP)
    place.wait(12)
    assert place.kept() == [_BACKUP["sha256"]]
    assert place.backups.get(_BACKUP["sha256"]) == _DATA
    reads = place.reads()
    assert reads == 11
    place.start_again()
    place.wait(4)
    assert place.reads() == reads
    assert list(place.folder.iterdir()) == []


def test_it_goes_on_where_it_was_after_a_restart(place: Place) -> None:
    place.recover(_BACKUP)
    place.wait(4)
    assert 0 < place.reads() < 11
    assert place.kept() == []
    place.start_again()
    place.helper.present = False
    place.wait(14)
    assert place.kept() == [_BACKUP["sha256"]]
    assert place.reads() == 11


def test_the_next_unit_does_not_wait_for_it(place: Place) -> None:
    place.recover(_BACKUP)
    place.helper.present = False
    assert place.wait(4) == "empty"
    place.helper.present = True
    assert place.wait(4) == "wait for label"
    reads = place.reads()
    assert reads < 11
    place.wait(4)
    assert place.reads() == reads


def test_a_backup_that_is_not_what_its_record_says_is_told_and_not_kept(place: Place) -> None:
    place.helper.card[_PATH] = b"x" + _DATA[1:]
    place.recover(_BACKUP)
    assert place.wait(12) == "PASS"
    assert "is not what its record says" in place.station.why
    assert place.kept() == []
    reads = place.reads()
    place.wait(6)
    assert place.reads() == reads


@pytest.mark.parametrize("card", [{}, {_PATH: _DATA[:3000]}])
def test_a_backup_that_is_not_on_this_card_is_left_to_the_one_that_has_it(place: Place, card: dict[str, bytes]) -> None:
    place.helper.card = dict(card)
    place.recover(_BACKUP)
    assert place.wait(6) == "PASS"
    assert place.kept() == []
    assert place.reads() <= 3


@pytest.mark.parametrize(
    "backup",
    [
        _BACKUP | {"file": "job.json"},
        _BACKUP | {"file": "backups/../secret"},
        _BACKUP | {"file": 5},
        _BACKUP | {"bytes": 2**40},
        _BACKUP | {"bytes": True},
    ],
)
def test_what_a_record_says_is_no_reason_to_read_something_else(place: Place, backup: dict[str, Any]) -> None:
    place.recover(backup)
    place.wait(4)
    assert place.reads() == 0


def test_backups_may_lie_at_any_fsspec_url(store: Store, tmp_path: Path) -> None:
    place = Place(store, tmp_path / "coming", "memory://depot/backups")
    place.helper.card[_PATH] = _DATA
    place.recover(_BACKUP)
    place.wait(2)
    assert place.kept() == [_BACKUP["sha256"]]
    sha256 = str(_BACKUP["sha256"])
    assert fsspec.filesystem("memory").cat_file(f"/depot/backups/{sha256[:2]}/{sha256[2:]}.bin") == _DATA
