"""The page's API in this process: a store with some attempts, two stations, and nobody's account but the engineer's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import FastAPI

from bmsrescue.config import Config
from bmsrescue.daemon.events import EventLog
from bmsrescue.fleet.fleet import Fleet
from bmsrescue.fleet.records.taking import IMPORT, LineTaker
from bmsrescue.fleet.stations.hall import Hall
from bmsrescue.fleet.stations.station import Station
from bmsrescue.fleet.web.app import create_page
from fake_station import FakeHelper
from sealed_records import chain


class _NoHelpers:
    def __init__(self) -> None:
        self.ports: dict[str, Any] = {}
        self.events = EventLog()


def make_fleet_api(folder: Path) -> tuple[FastAPI, Fleet]:
    """`state.token` of the application is an engineer's; the fleet's store is to be closed."""
    fleet = Fleet(Config(), folder)
    connected = _NoHelpers()
    hall = Hall(connected, fleet.desk)  # type: ignore[arg-type]
    for name in ("one", "two"):
        station = hall.stations[name] = Station(name, FakeHelper(name), fleet.desk, hall._tell)
        station.state = "empty"
    with fleet.store.write() as session:
        LineTaker("card", IMPORT).take(session, fleet.site_id, chain("h1", 5))
    fleet.accounts.add("eva", "engineer", "correct horse battery", "setup")
    page = create_page(fleet, hall, connected.events)
    page.state.token = fleet.accounts.make_token("eva", "test", 1, "setup")
    return page, fleet
