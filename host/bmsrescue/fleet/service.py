"""Mass recovery inside the daemon: the site's store, its stations, its link to the shared store, and the page."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from bmsrescue.config import Config
from bmsrescue.daemon.helpers import Helpers
from bmsrescue.errors import HostError
from bmsrescue.fleet import ledger
from bmsrescue.fleet.accounts import Accounts
from bmsrescue.fleet.backups import FOLDER_NAME, BackupFolder
from bmsrescue.fleet.forward import SharedLink
from bmsrescue.fleet.releases import Releases
from bmsrescue.fleet.stations.backup_fetch import FOLDER_NAME as COMING
from bmsrescue.fleet.stations.backup_fetch import BackupShelf
from bmsrescue.fleet.stations.desk import Desk
from bmsrescue.fleet.stations.hall import Hall
from bmsrescue.fleet.stations.settings import read_settings
from bmsrescue.fleet.store import Store, sqlite_url
from bmsrescue.fleet.twin.crew import Crew
from bmsrescue.fleet.web.app import create_page
from bmsrescue.fleet.web.remote_guard import RemoteGuard
from bmsrescue.fleet.webhook import Webhook
from bmsrescue.private import private_data_folder
from rescuelink.errors import LinkError

_FORWARD_S = 2.0
TWIN_OPERATOR = "twin"


class Fleet:
    """Everything of a site. `beside` is what the daemon takes.

    Raises:
        HostError: the site's own store cannot be opened, or the configuration makes no sense.
    """

    def __init__(self, config: Config, folder: Path, crew: Crew | None = None) -> None:
        private_data_folder(folder)
        self.store = Store.open(sqlite_url(folder))
        with self.store.write() as session:
            self.site_id = ledger.own_site(session, config.records.bench)
        self.backups = BackupFolder(config.records.backups or str(folder / FOLDER_NAME))
        self.desk = Desk(self.store, self.site_id, read_settings(config.stations))
        self.desk.shelf = BackupShelf(self.store, self.site_id, self.backups, folder / COMING)
        self.link: SharedLink | None = None
        if config.records.shared:
            self.link = SharedLink(self.store, config.records.shared, self.site_id, config.records.bench)
        self.webhook: Webhook | None = None
        if config.records.webhook:
            self.webhook = Webhook(self.store, self.site_id, config.records.webhook, folder)
        self.accounts = Accounts(self.store, self.site_id)
        self.hall: Hall | None = None
        self._crew = crew

    @contextlib.asynccontextmanager
    async def beside(self, app: FastAPI, helpers: Helpers) -> AsyncIterator[None]:
        """Serve the stations and the page while the daemon runs."""
        self.hall = hall = Hall(helpers, self.desk)
        page = create_page(self, hall, helpers.events)
        app.mount("", page)
        if app.middleware_stack is not None:
            app.middleware_stack = RemoteGuard(app.middleware_stack, page.state.access)
        if self._crew is not None:
            self._follow_crew(hall, self._crew)
        tasks = [asyncio.create_task(hall.run(), name="stations")]
        if self.link is not None:
            tasks.append(asyncio.create_task(self._forward(self.link), name="forwarding"))
        if self.webhook is not None:
            tasks.append(asyncio.create_task(self._tell(self.webhook), name="webhook"))
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self.store.close()

    def deciding(self) -> tuple[Accounts, Releases]:
        """Where accounts and releases are decided: the shared store, if there is one. Raises StoreError as that."""
        if self.link is None:
            return self.accounts, self.desk.releases
        shared = self.link.shared
        with shared.write() as session:
            site = ledger.own_site(session, "shared")
        return Accounts(shared, site), Releases(shared, site)

    async def _forward(self, link: SharedLink) -> None:
        try:
            while True:
                await asyncio.to_thread(link.catch_up)
                await asyncio.sleep(_FORWARD_S)
        finally:
            link.close()

    async def _tell(self, webhook: Webhook) -> None:
        try:
            while True:
                await asyncio.to_thread(webhook.catch_up)
                await asyncio.sleep(_FORWARD_S)
        finally:
            webhook.close()

    def _follow_crew(self, hall: Hall, crew: Crew) -> None:
        loop = asyncio.get_running_loop()

        def scan(station: str, label: str) -> None:
            with contextlib.suppress(LinkError, HostError):  # it is scanned again a while later
                hall.scan(label, TWIN_OPERATOR, station)

        def scan_soon(station: str, label: str) -> None:
            with contextlib.suppress(RuntimeError):  # the daemon has just ended
                loop.call_soon_threadsafe(scan, station, label)

        def show_soon(station: str, shown: dict[str, Any]) -> None:
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(hall.show_display, station, shown)

        crew.show_with(show_soon)
        crew.scan_with(scan_soon)
