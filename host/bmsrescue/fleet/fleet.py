"""Everything of a site: its store, its stations' desk, its accounts, its link to the shared store."""

from __future__ import annotations

from pathlib import Path

from bmsrescue.config import Config, RecordsPlace
from bmsrescue.fleet import ledger
from bmsrescue.fleet.accounts import Accounts
from bmsrescue.fleet.backups import FOLDER_NAME, BackupFolder
from bmsrescue.fleet.forward import SharedLink
from bmsrescue.fleet.releases import Releases
from bmsrescue.fleet.stations.backup_fetch import FOLDER_NAME as COMING
from bmsrescue.fleet.stations.backup_fetch import BackupShelf
from bmsrescue.fleet.stations.desk import Desk
from bmsrescue.fleet.stations.settings import read_settings
from bmsrescue.fleet.store import Store, sqlite_url
from bmsrescue.fleet.webhook import Webhook
from bmsrescue.keys.store import KeyStore
from bmsrescue.private import private_data_folder


class Fleet:
    """What the page is made of and the service keeps going.

    `shared`: the URL of a store that is looked at and nothing else: the view over every bench. It has no own site.

    Raises:
        HostError: the site's own store cannot be opened, or the configuration makes no sense.
    """

    def __init__(self, config: Config, folder: Path, shared: str = "") -> None:
        private_data_folder(folder)
        self.folder = folder
        self.site_id = ""
        self.name = "" if shared or config.records.bench == RecordsPlace().bench else config.records.bench
        if shared:
            self.store = Store.open_to_read(shared)
        else:
            self.store = Store.open(sqlite_url(folder))
            with self.store.write() as session:
                self.site_id = ledger.own_site(session, config.records.bench)
        self.backups = BackupFolder(config.records.backups or str(folder / FOLDER_NAME))
        self.keys = KeyStore(folder / "keys")
        settings = read_settings(config.stations)
        self.desk = Desk(self.store, self.site_id, settings, self.keys, config.records.signed_only)
        self.desk.shelf = BackupShelf(self.store, self.site_id, self.backups, folder / COMING)
        self.link: SharedLink | None = None
        if config.records.shared and not shared:
            self.link = SharedLink(self.store, config.records.shared, self.site_id, config.records.bench)
        self.webhook: Webhook | None = None
        if config.records.webhook and not shared:
            secret = config.records.webhook_secret
            self.webhook = Webhook(self.store, self.site_id, config.records.webhook, folder, secret=secret)
        self.accounts = Accounts(self.store, self.site_id)

    @property
    def only_looks(self) -> bool:
        return self.store.only_read

    def deciding(self) -> tuple[Accounts, Releases]:
        """Where accounts and releases are decided: the shared store, if there is one. Raises StoreError as that."""
        if self.link is None:
            return self.accounts, self.desk.releases
        shared = self.link.shared
        with shared.write() as session:
            site = ledger.own_site(session, "shared")
        return Accounts(shared, site), Releases(shared, site, self.keys)
