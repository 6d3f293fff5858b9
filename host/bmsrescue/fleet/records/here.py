"""Cards into this bench's own store, without a daemon."""

from __future__ import annotations

from collections.abc import Sequence

from bmsrescue.config import data_dir, load_config
from bmsrescue.fleet.backups import FOLDER_NAME, BackupFolder
from bmsrescue.fleet.ledger import own_site
from bmsrescue.fleet.records import aside
from bmsrescue.fleet.records.cards import Card, CardReport, import_card
from bmsrescue.fleet.store import Store, sqlite_url
from bmsrescue.keys.store import KeyStore
from bmsrescue.private import private_data_folder


def take_in(cards: Sequence[Card]) -> tuple[list[CardReport], int]:
    """A report for each card, and how many lines are set aside at this bench. Raises HostError."""
    config = load_config().records
    folder = data_dir()
    backups = BackupFolder(config.backups or str(folder / FOLDER_NAME))
    private_data_folder(folder)
    keys = KeyStore(folder / "keys").helpers()
    store = Store.open(sqlite_url(folder))
    try:
        with store.write() as session:
            site = own_site(session, config.bench)
        reports = [import_card(store, site, backups, card, keys, config.signed_only) for card in cards]
        with store.read() as session:
            return reports, aside.count(session)
    finally:
        store.close()
