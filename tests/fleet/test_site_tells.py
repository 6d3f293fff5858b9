"""Who came in, what was stopped, what does not get out; and whoever was shut out sees nothing more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi.testclient import TestClient

from bmsrescue.config import Config, RecordsPlace
from bmsrescue.daemon.api import create_app
from bmsrescue.daemon.events import EventLog
from bmsrescue.fleet import ledger
from bmsrescue.fleet.fleet import Fleet
from bmsrescue.fleet.records.taking import IMPORT, LineTaker
from bmsrescue.fleet.stations.hall import Hall
from bmsrescue.fleet.stations.station import Station
from bmsrescue.fleet.web import events, sessions
from bmsrescue.fleet.web.app import create_page
from fake_station import FakeHelper, NoHelpers
from sealed_records import chain

PASSWORD = "correct horse battery"
HTML = {"Accept": "text/html"}


class Served:
    def __init__(self, folder: Path, records: RecordsPlace | None = None) -> None:
        self.fleet = Fleet(Config(records=records or RecordsPlace()), folder)
        self.helper = FakeHelper("one")
        connected = NoHelpers()
        hall = Hall(connected, self.fleet.desk)  # type: ignore[arg-type]
        self.station = hall.stations["one"] = Station("one", self.helper, self.fleet.desk, hall._tell)
        self.page = create_page(self.fleet, hall, connected.events)
        self.client = TestClient(self.page, follow_redirects=False, client=("127.0.0.1", 50000))

    def audited(self, token: str = "") -> list[tuple[str, str, str]]:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        found = self.client.get("/api/fleet/audit", headers=headers).json()
        return [(one["actor"], one["action"], one["subject"]) for one in reversed(found)]

    def log_in(self, name: str, password: str) -> int:
        return self.client.post("/login", data={"name": name, "password": password}).status_code


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    made = Served(tmp_path)
    yield made
    made.fleet.store.close()


def test_pauses_and_aborts_are_in_the_audit_log(served: Served) -> None:
    for paused in (True, False):
        served.client.post("/api/fleet/stations/one/pause", json={"paused": paused}).raise_for_status()
    assert served.client.post("/api/fleet/stations/one/abort").status_code == 409  # nothing to abort: nothing done
    served.station.state = "working"
    served.client.post("/api/fleet/stations/one/abort").raise_for_status()
    assert served.audited() == [
        ("bench", "paused", "one"),
        ("bench", "pause ended", "one"),
        ("bench", "aborted", "one"),
    ]


def test_log_ins_and_those_that_failed_are_in_the_audit_log(served: Served) -> None:
    served.fleet.accounts.add("eva", "engineer", PASSWORD, "setup")
    assert served.log_in("eva", "wrong password") == 401
    assert served.log_in("nobody\0<b>", "wrong password") == 401
    assert served.log_in("eva", PASSWORD) == 303
    assert served.audited()[1:] == [
        ("eva", "log-in failed", "eva"),
        ("nobody�<b>", "log-in failed", "nobody�<b>"),
        ("eva", "logged in", "eva"),
    ]


def test_one_changes_ones_own_password_by_the_one_before(served: Served) -> None:
    served.fleet.accounts.add("eva", "engineer", PASSWORD, "setup")
    served.fleet.accounts.add("otto", "viewer", PASSWORD, "setup")
    assert served.log_in("otto", PASSWORD) == 303
    assert "Change password" in served.client.get("/password", headers=HTML).text
    change = {"old": "wrong password", "new": "another horse battery"}
    assert served.client.post("/api/fleet/password", json=change).status_code == 401
    assert served.client.post("/api/fleet/password", json=change | {"old": PASSWORD, "new": "short"}).status_code == 400
    assert served.client.post("/api/fleet/password", json=change | {"old": PASSWORD}).status_code == 200
    assert served.client.get("/api/fleet/units").status_code == 401
    assert (served.log_in("otto", PASSWORD), served.log_in("otto", "another horse battery")) == (401, 303)
    assert served.log_in("eva", PASSWORD) == 303
    assert ("otto", "account changed", "otto") in served.audited()


def test_the_old_password_is_tried_within_the_same_limits(served: Served) -> None:
    served.fleet.accounts.add("eva", "engineer", PASSWORD, "setup")
    served.log_in("eva", PASSWORD)
    change = {"old": "wrong password", "new": "another horse battery"}
    told = [served.client.post("/api/fleet/password", json=change).status_code for _ in range(7)]
    assert told == [401] * 5 + [429] * 2


def test_the_session_goes_over_tls_only_where_there_is_tls(served: Served) -> None:
    served.fleet.accounts.add("eva", "engineer", PASSWORD, "setup")
    for scheme, secure in (("http", False), ("https", True)):
        client = TestClient(served.page, base_url=f"{scheme}://bench", follow_redirects=False)
        answer = client.post("/login", data={"name": "eva", "password": PASSWORD})
        assert ("secure" in answer.headers["set-cookie"].lower()) == secure


def test_log_ins_that_fail_without_end_do_not_fill_the_log(served: Served) -> None:
    served.fleet.accounts.add("eva", "engineer", PASSWORD, "setup")
    for number in range(25):
        elsewhere = TestClient(served.page, client=(f"192.0.2.{number}", 50000))
        elsewhere.post("/login", data={"name": f"name-{number}", "password": "wrong password"})
    served.log_in("eva", PASSWORD)
    failed = [action for _actor, action, _subject in served.audited() if action.startswith("log-in failed")]
    assert failed == ["log-in failed"] * 19 + ["log-in failed, more are not listed"]


def test_the_event_stream_of_an_account_that_is_shut_ends(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "_ASKED_AGAIN_S", 0.0)
    accounts = served.fleet.accounts
    accounts.add("eva", "engineer", PASSWORD, "setup")
    accounts.add("otto", "operator", PASSWORD, "setup")
    token = accounts.make_token("otto", "test", 1, "setup")

    async def is_disconnected() -> bool:
        return False

    async def follow() -> list[str]:
        log = EventLog()
        request: Any = SimpleNamespace(
            app=served.page,
            headers={"authorization": f"Bearer {token}"},
            cookies={},
            client=None,
            is_disconnected=is_disconnected,
        )
        log.add("one", "step", "before")
        told: list[str] = []
        async for piece in events._following(request, log, 0, events._Wanted(None, "en")):
            told.append(piece)
            accounts.change("otto", "eva", disabled=True)
            log.add("one", "step", "after")
        return told

    (told,) = asyncio.run(asyncio.wait_for(follow(), 60))
    assert "before" in told
    assert "after" not in told


def test_one_accounts_streams_leave_room_for_everybody_elses(served: Served) -> None:
    accounts = served.fleet.accounts
    accounts.add("eva", "engineer", PASSWORD, "setup")
    accounts.add("vera", "viewer", PASSWORD, "setup")
    token = accounts.make_token("vera", "test", 1, "setup")

    async def follow() -> None:
        async def endless() -> AsyncIterator[str]:
            while True:
                yield ""

        open_now = served.page.state.streams
        streams = [events._counted(open_now, "vera", endless()) for _ in range(events._MOST_OF_ONE)]
        for one in streams:
            await anext(one)
        answer = served.client.get("/api/fleet/events", headers={"Authorization": f"Bearer {token}"})
        assert (answer.status_code, answer.json()["error"]["kind"]) == (429, "slow")
        for one in streams:
            await one.aclose()  # type: ignore[attr-defined]
        assert open_now["vera"] == 0

    asyncio.run(follow())


def test_who_logs_in_without_end_logs_nobody_else_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "_MOST", 30)
    kept = sessions.Sessions(None)
    evas = kept.begin("eva", "x")
    keys = [kept.begin("vera", "y") for _ in range(100)]
    assert kept.of(evas)
    assert [key for key in keys if kept.of(key)] == keys[-20:]


@pytest.mark.parametrize("path", ["/fleet/docs", "/docs"])
def test_the_page_of_an_api_loads_nothing_from_elsewhere(served: Served, path: str) -> None:
    if path == "/docs":
        connected: Any = NoHelpers()
        client = TestClient(create_app(connected, None))
    else:
        client = served.client
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert "<script" not in answer.text
    assert "//" not in answer.text.replace("<!doctype html>", "").replace("http://", "//http")
    assert "openapi.json" in answer.text
    assert client.get("/redoc").status_code == 404


def test_every_path_is_on_the_apis_page(served: Served) -> None:
    told = served.client.get("/fleet/docs").text
    document = served.client.get("/fleet/openapi.json").json()
    assert document["paths"]
    assert all(f"{path}</dt>" in told for path in document["paths"])


def test_the_views_say_that_the_shared_store_is_away_and_that_the_webhook_fails(tmp_path: Path) -> None:
    records = RecordsPlace(shared="postgresql://127.0.0.1:1/none", webhook="http://127.0.0.1:1/hook?key=secret")
    served = Served(tmp_path, records)
    fleet = served.fleet
    assert fleet.link is not None
    assert fleet.webhook is not None
    for path in ("/", "/units", "/troubles"):
        assert 'class="trouble"' not in served.client.get(path, headers=HTML).text
    assert not fleet.link.catch_up()
    fleet.webhook.catch_up()
    with fleet.store.write() as session:
        LineTaker("card", IMPORT).take(session, ledger.own_site(session), chain("pocket-1", 1))
    fleet.webhook.catch_up()
    for path in ("/", "/units", "/troubles"):
        told = served.client.get(path, headers=HTML).text
        assert "The shared store: " in told
        assert "is away" in told or "cannot open" in told
        assert "The webhook fails" in told
        assert "secret" not in told
    fleet.link.problem, fleet.webhook.problem = None, ""
    assert 'class="trouble"' not in served.client.get("/", headers=HTML).text
    fleet.link.close()
    fleet.webhook.close()
    fleet.store.close()
