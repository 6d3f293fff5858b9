"""The page on a loopback port, over stations whose helpers a test moves; and how a test looks at it in Chromium."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import uvicorn
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webdriver import WebDriver

from bmsrescue.config import Config
from bmsrescue.daemon.events import EventLog
from bmsrescue.fleet.fleet import Fleet
from bmsrescue.fleet.records.taking import IMPORT, LineTaker
from bmsrescue.fleet.stations.hall import Hall
from bmsrescue.fleet.web.app import create_page
from fake_station import FakeHelper

PATIENCE_S = 60.0
_AXE = (Path(__file__).parents[1] / "fleet" / "data" / "axe.min.js").read_text(encoding="utf-8")


class FakeHelpers:
    """What the daemon has found: helpers that the test moves."""

    def __init__(self) -> None:
        self.ports: dict[str, Any] = {name: FakeHelper(name) for name in ("left", "right")}
        self.events = EventLog()


class Page:
    """The page, served on a loopback port by a thread, over stations whose helpers the test moves."""

    def __init__(self, folder: Path) -> None:
        self.fleet = Fleet(Config(), folder)
        self.connected = FakeHelpers()
        self.hall = Hall(self.connected, self.fleet.desk)  # type: ignore[arg-type]
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        app = create_page(self.fleet, self.hall, self.connected.events)
        self.access = app.state.access
        self._server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1))
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self._thread.start()

    async def _serve(self) -> None:
        self._server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign]
        stations = asyncio.create_task(self.hall.run())
        await self._server.serve(sockets=[self._listener])
        stations.cancel()
        await asyncio.gather(stations, return_exceptions=True)

    def helper(self, name: str) -> FakeHelper:
        found: FakeHelper = self.connected.ports[name]
        return found

    def take(self, lines: list[str]) -> None:
        with self.fleet.store.write() as session:
            LineTaker("card", IMPORT).take(session, self.fleet.site_id, lines)

    def drop_streams(self) -> None:
        """Every view's stream of events ends, as with the daemon."""
        self.connected.events.end()

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(30)
        self.fleet.store.close()


def until(holds: Callable[[], Any], what: str) -> Any:
    """Waits for something that is certain to come."""
    deadline = time.monotonic() + PATIENCE_S
    while not (found := holds()):
        assert time.monotonic() < deadline, what
        time.sleep(0.05)
    return found


def card(browser: WebDriver, station: str) -> dict[str, str]:
    """What a station's card shows, by field."""
    script = (
        "return Object.fromEntries([...document.querySelectorAll(`[data-card='${arguments[0]}'] [data-field]`)]"
        ".map(one => [one.dataset.field, one.textContent.trim()]))"
    )
    found: dict[str, str] = browser.execute_script(script, station)
    return found


def shows(browser: WebDriver, station: str, state: str) -> None:
    until(lambda: card(browser, station).get("state") == state, f"{station} never shows {state}")


def type_like_a_scanner(browser: WebDriver, text: str) -> None:
    webdriver.ActionChains(browser).send_keys(text + Keys.ENTER).perform()


def connected(browser: WebDriver, url: str) -> None:
    browser.get(url)
    until(lambda: browser.find_element(By.ID, "link-state").text == "connected", "the events never came")


def no_errors(browser: WebDriver) -> None:
    serious = [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
    assert serious == []


def accessibility_faults(browser: WebDriver) -> list[str]:
    """What axe finds wrong in the view that is open."""
    browser.execute_script(_AXE)
    found: list[str] = browser.execute_async_script(
        "axe.run(document, {resultTypes: ['violations']}).then(r => arguments[0](r.violations.map(v => v.id + ': ' + "
        "v.nodes.map(n => n.html.slice(0, 120)).join(' | '))))"
    )
    return found
