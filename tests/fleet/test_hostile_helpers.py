"""A helper that answers anything: its own station says so, and everything else goes on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from bmsrescue.client.finding import Found
from bmsrescue.config import Config
from bmsrescue.daemon.events import EventLog
from bmsrescue.daemon.helper_port import HelperPort, Job
from bmsrescue.daemon.job_notes import JobNotes
from bmsrescue.door.names import LocalOnly
from bmsrescue.fleet.fleet import Fleet
from bmsrescue.fleet.stations import states
from bmsrescue.fleet.stations.hall import Hall
from bmsrescue.fleet.stations.station import Station
from bmsrescue.fleet.web.app import create_page
from bmsrescue.fleet.web.events import _told, _Wanted
from fake_station import FakeHelper, NoHelpers
from rescuelink.errors import LinkError, RescueError


class Liar(FakeHelper):
    """`says`: what it answers to a method, whatever that is."""

    def __init__(self, says: dict[str, Any]) -> None:
        super().__init__("liar")
        self.says = says

    def about(self) -> Any:
        return self.says.get("hello", super().about())

    async def call(self, method: str, params: list[Any], timeout_s: float, client: str) -> Any:
        said = self.says.get(method, self)
        if isinstance(said, RescueError):
            raise said
        return await super().call(method, params, timeout_s, client) if said is self else said


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    made = Fleet(Config(), tmp_path)
    yield made
    made.store.close()


@pytest.mark.parametrize(
    "says",
    [
        {"hello": {"board": "pico"}},
        {"hello": {"helper": 7}},
        {"hello": {"helper": ["x"]}},
        {"hello": {"helper": "h1", "helper_id": {"x": 1}}},
        {"records.sizes": None},
        {"records.sizes": "many"},
        {"records.sizes": {"card": "x"}},
        {"records.sizes": {"card": 10**12}, "records.read": None},
        {"lines.level": None},
        {"lines.level": {}},
    ],
)
def test_a_station_whose_helper_says_nonsense_is_out_of_service_with_a_reason(
    fleet: Fleet, says: dict[str, Any]
) -> None:
    station = Station("left", Liar(says), fleet.desk, lambda _status: None)
    for look in range(4):
        asyncio.run(station.tick(100.0 + look))
    assert station.state == states.OUT
    assert "deploy" in station.why or "helper" in station.why
    hall = Hall(NoHelpers(), fleet.desk)  # type: ignore[arg-type]
    hall.stations["left"] = station
    client = TestClient(create_page(fleet, hall, EventLog()), client=("127.0.0.1", 1))
    assert client.get("/").status_code == 200
    assert client.get("/api/fleet/stations").status_code == 200


def test_a_station_comes_back_by_itself_when_its_helper_does(fleet: Fleet) -> None:
    liar = Liar({"records.sizes": None})
    station = Station("left", liar, fleet.desk, lambda _status: None)
    asyncio.run(station.tick(100.0))
    assert station.state == states.OUT
    liar.says.clear()
    asyncio.run(station.tick(100.5))
    assert station.state == states.EMPTY


def test_a_helper_that_is_busy_without_end_keeps_no_result_on_the_wall(fleet: Fleet) -> None:
    liar = Liar({})
    station = Station("left", liar, fleet.desk, lambda _status: None)
    asyncio.run(station.tick(100.0))
    liar.says["lines.level"] = LinkError("busy", "power.on is being carried out")
    for now, state in ((101.0, states.EMPTY), (150.0, states.EMPTY), (161.5, states.OUT)):
        asyncio.run(station.tick(now))
        assert station.state == state
    assert "power.on is being carried out" in station.why
    liar.says.clear()
    asyncio.run(station.tick(170.0))
    assert station.state == states.EMPTY


def test_steps_without_end_are_not_all_written_to_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    monkeypatch.setattr(JobNotes, "step", lambda _self, _helper, step: written.append(step))

    async def tell() -> None:
        port = HelperPort(Found("left", "x", "y", usb=False), EventLog(), JobNotes(tmp_path))
        port._job = Job("job.run", [])
        for number in range(2000):
            port._on_event("step", {"name": f"{number} " + "x" * 5000})
        await port.close()

    asyncio.run(tell())
    assert len(written) == 500
    assert max(map(len, written)) == 64


def test_what_nobody_thought_of_ends_no_station(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> Station:
        connected = NoHelpers()
        connected.ports = {"left": FakeHelper("left")}
        hall = Hall(connected, fleet.desk)  # type: ignore[arg-type]
        hall._follow_helpers()
        station = hall.stations["left"]
        looks = 0

        async def tick(_now: float) -> None:
            nonlocal looks
            looks += 1
            if looks == 1:
                raise KeyError("never thought of")

        monkeypatch.setattr(station, "tick", tick)
        monkeypatch.setattr("bmsrescue.fleet.stations.hall._LOOK_S", 0.0)
        while looks < 3:
            await asyncio.sleep(0)
        for task in hall._tasks:
            task.cancel()
        await asyncio.gather(*hall._tasks, return_exceptions=True)
        return station

    station = asyncio.run(run())
    assert "A fault of bmsrescue's own (KeyError)" in station.why


def nested(depth: int) -> list[Any]:
    found: list[Any] = []
    for _level in range(depth):
        found = [found]
    return found


@pytest.mark.parametrize("data", [datetime(2026, 1, 1, tzinfo=UTC), nested(5000), {"x": {1, 2}}])
def test_an_event_that_is_no_json_goes_out_with_its_number(data: Any) -> None:
    event = {"number": 7, "at": 1.0, "helper": "left", "name": "error", "data": data}
    line = _told(event, _Wanted(None, "en")).splitlines()[1].removeprefix("data: ")
    assert json.loads(line) == {"number": 7, "at": 1.0, "helper": "left", "name": "error", "data": None}


@pytest.mark.parametrize("name", ["station", "display", "job"])
def test_a_helpers_event_cannot_pass_for_the_daemons(tmp_path: Path, name: str) -> None:
    log = EventLog()

    async def tell() -> None:
        port = HelperPort(Found("left", "x", "y", usb=False), log, JobNotes(tmp_path))
        port._on_event(name, {"station": "right", "state": "PASS"})
        await port.close()

    asyncio.run(tell())
    assert [one["name"] for one in log.after(0)] == [f"helper {name}"]


def test_a_host_that_is_no_address_is_refused() -> None:
    app = LocalOnly(lambda *_: None, frozenset({"localhost"}))  # type: ignore[arg-type, return-value]
    assert not app._is_ours({b"host": b"["})
    assert not app._is_ours({b"host": b"localhost", b"origin": b"http://["})
    assert app._is_ours({b"host": b"localhost"})
