"""The backups that a station's helper has made, from its card into the site's store, while nothing else is to be done.

A backup comes in slices of a quarter of a second, between the looks at the unit; what has come lies in a file of its
own, so that it goes on there after another unit, another helper's turn, or a restart.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from sqlalchemy import exists, select

from bmsrescue.errors import HostError
from bmsrescue.fleet.backups import BackupFolder
from bmsrescue.fleet.models import Attempt, Backup, SealedLine
from bmsrescue.fleet.records.keeping import MAX_BACKUP_BYTES, keep_backup
from bmsrescue.fleet.stations.helper_card import StationPort, ask
from bmsrescue.fleet.store import Store
from bmsrescue.private import FOLDER_MODE, make_private_file
from rescuelink.errors import CardError
from rescuelink.rpc import WINDOW_BYTES

FOLDER_NAME = "backups-coming"
_SLICE_S = 0.25
_LOOKED_FOR = 20  # newest backups of a helper; older ones come with its card
_BACKUPS = "backups"


@dataclass(frozen=True)
class Wanted:
    """A backup that a record names and the store lacks. `path` is on the helper's card."""

    sha256: str
    path: str
    size: int


class BackupShelf:
    """The store's side. `folder`: where backups lie while they come."""

    def __init__(self, store: Store, site: str, backups: BackupFolder, folder: Path) -> None:
        self._store = store
        self._site = site
        self._backups = backups
        self._folder = folder

    def wanted(self, helper_id: str) -> list[Wanted]:
        """The oldest of them first, so that each is finished before the next begins. Raises StoreError."""
        lacking = (
            select(Attempt.backup_sha256, SealedLine.line)
            .join(SealedLine, SealedLine.attempt_id == Attempt.id)
            .where(Attempt.helper_id == helper_id, Attempt.backup_sha256.is_not(None))
            .where(~exists().where(Backup.sha256 == Attempt.backup_sha256))
            .order_by(Attempt.sequence.desc())
            .limit(_LOOKED_FOR)
        )
        with self._store.read() as session:
            found = [_wanted(sha256, line) for sha256, line in session.execute(lacking) if sha256]
        return [one for one in reversed(found) if one is not None]

    def come_so_far(self, wanted: Wanted) -> int:
        """Bytes."""
        place = self._place(wanted)
        return place.stat().st_size if place.exists() else 0

    def add(self, wanted: Wanted, data: bytes) -> None:
        """The next bytes. Raises HostError."""
        try:
            self._folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
            make_private_file(self._place(wanted))
            with self._place(wanted).open("ab") as file:
                file.write(data)
        except OSError as error:
            raise HostError(f"cannot keep a backup: {error.strerror}", "Make room in the data folder.") from error

    def finish(self, wanted: Wanted) -> None:
        """All of it has come. Raises HostError where it is not what its record says; it is thrown away then."""
        place = self._place(wanted)
        data = place.read_bytes()
        if hashlib.sha256(data).hexdigest() != wanted.sha256:
            place.unlink()
            raise HostError(f"{wanted.path} is not what its record says", "Look at the helper's card.")
        keep_backup(self._store, self._site, self._backups, PurePosixPath(wanted.path).name, data)
        place.unlink()

    def _place(self, wanted: Wanted) -> Path:
        return self._folder / f"{wanted.sha256}.part"


class BackupFetch:
    """One station's side."""

    def __init__(self, shelf: BackupShelf | None) -> None:
        self._shelf = shelf
        self._wanted: list[Wanted] | None = None  # None: to be looked up
        self._refused: set[str] = set()  # not on this card, or not what its record says

    def look_again(self) -> None:
        """The helper has new records."""
        self._wanted = None

    async def go_on(self, port: StationPort, helper_id: str | None) -> str:
        """One slice; returns what a person should know, mostly nothing. Raises RescueError, HostError."""
        if self._shelf is None or helper_id is None:
            return ""
        if self._wanted is None:
            found = await asyncio.to_thread(self._shelf.wanted, helper_id)
            self._wanted = [one for one in found if one.sha256 not in self._refused]
        if not self._wanted:
            return ""
        wanted = self._wanted[0]
        try:
            whole = await self._slice(self._shelf, port, wanted)
            if whole:
                await asyncio.to_thread(self._shelf.finish, wanted)
        except CardError:
            return self._refuse(wanted, "")  # another card: it comes with that one
        except HostError as error:
            return self._refuse(wanted, f"{error.message}.")
        if whole:
            self._wanted.pop(0)
        return ""

    async def _slice(self, shelf: BackupShelf, port: StationPort, wanted: Wanted) -> bool:
        """Whether all of it has come."""
        offset = await asyncio.to_thread(shelf.come_so_far, wanted)
        until = time.monotonic() + _SLICE_S
        data = bytearray()
        try:
            while offset + len(data) < wanted.size:
                window = await ask(port, "card.read", wanted.path, offset + len(data), WINDOW_BYTES)
                data += window
                if not window:
                    raise CardError("short", f"{wanted.path} is shorter than its record says")
                if time.monotonic() > until:
                    break
        finally:
            if data:
                await asyncio.to_thread(shelf.add, wanted, bytes(data))
        return offset + len(data) >= wanted.size

    def _refuse(self, wanted: Wanted, why: str) -> str:
        self._refused.add(wanted.sha256)
        self._wanted = [one for one in self._wanted or () if one is not wanted]
        return why


def _wanted(sha256: str, line: str) -> Wanted | None:
    backup = json.loads(line).get("backup")
    if not isinstance(backup, dict):
        return None
    path, size = backup.get("file"), backup.get("bytes")
    if not isinstance(path, str) or type(size) is not int or not 0 < size <= MAX_BACKUP_BYTES:
        return None
    # What a record says is no reason to read anything else from the card.
    parts = PurePosixPath(path).parts
    return Wanted(sha256, path, size) if parts[:1] == (_BACKUPS,) and len(parts) == 2 and ".." not in parts else None
