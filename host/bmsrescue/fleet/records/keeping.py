"""A backup into the store of a site: its bytes by their hash, and an entry in the ledger that says so, once."""

from __future__ import annotations

import hashlib

from sqlalchemy import select

from bmsrescue.fleet import ledger
from bmsrescue.fleet.backups import BackupFolder
from bmsrescue.fleet.ledger import News
from bmsrescue.fleet.models import Backup
from bmsrescue.fleet.records.projection import project
from bmsrescue.fleet.store import Store

MAX_BACKUP_BYTES = 16 * 1024 * 1024


def keep_backup(store: Store, site: str, backups: BackupFolder, name: str, data: bytes) -> None:
    """Harmless when it is there. Raises StoreError, and HostError where it cannot be kept."""
    sha256 = hashlib.sha256(data).hexdigest()
    with store.read() as session:
        if session.scalar(select(Backup.sha256).where(Backup.sha256 == sha256)) is not None:
            return
    place = backups.put(sha256, data)
    with store.write() as session:
        news = News(ledger.BACKUP, {"sha256": sha256, "size": len(data), "place": place, "name": name[:200]})
        project(session, ledger.append(session, site, [news]))
