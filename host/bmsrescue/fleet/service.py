"""Mass recovery inside the daemon: a site's stations and its page, what it forwards and what it tells."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from bmsrescue.daemon.helpers import Helpers
from bmsrescue.errors import HostError
from bmsrescue.fleet import ledger
from bmsrescue.fleet.accounts import Accounts
from bmsrescue.fleet.fleet import Fleet
from bmsrescue.fleet.forward import SharedLink
from bmsrescue.fleet.stations.hall import Hall
from bmsrescue.fleet.store import Store, sqlite_url
from bmsrescue.fleet.twin.crew import Crew
from bmsrescue.fleet.web.access import Access
from bmsrescue.fleet.web.app import create_page
from bmsrescue.fleet.webhook import Webhook
from rescuelink.errors import LinkError

_FORWARD_S = 2.0
TWIN_OPERATOR = "twin"


def door_of(folder: Path) -> Access:
    """Who may move helpers by hand, as the accounts in a data folder say. Raises HostError."""
    store = Store.open(sqlite_url(folder))
    with store.write() as session:
        return Access(Accounts(store, ledger.own_site(session)))


class FleetService:
    """`beside` is what the daemon takes."""

    def __init__(self, fleet: Fleet, crew: Crew | None = None) -> None:
        self._fleet = fleet
        self._crew = crew

    @contextlib.asynccontextmanager
    async def beside(self, app: FastAPI, helpers: Helpers) -> AsyncIterator[None]:
        """Serve the stations and the page while the daemon runs."""
        hall = Hall(helpers, self._fleet.desk)
        page = create_page(self._fleet, hall, helpers.events)
        app.mount("", page)
        app.state.door = page.state.access
        if not self._fleet.only_looks:
            helpers.uses.note = self._fleet.accounts.note_use
        if self._crew is not None:
            self._follow_crew(hall, self._crew)
        tasks = [asyncio.create_task(hall.run(), name="stations")]
        if self._fleet.link is not None:
            tasks.append(asyncio.create_task(self._forward(self._fleet.link), name="forwarding"))
        if self._fleet.webhook is not None:
            tasks.append(asyncio.create_task(self._tell(self._fleet.webhook), name="webhook"))
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._fleet.store.close()

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
