"""A log-in outlives the daemon, a badge logs an operator in, and neither opens more than it should."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from bmsrescue.config import Config
from bmsrescue.fleet import ledger
from bmsrescue.fleet.fleet import Fleet
from bmsrescue.fleet.stations.hall import Hall
from bmsrescue.fleet.web.app import create_page
from bmsrescue.fleet.web.sessions import FILE_NAME, Sessions
from fake_station import NoHelpers

PASSWORD = "correct horse battery"


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    made = Fleet(Config(), tmp_path)
    made.accounts.add("eva", "engineer", PASSWORD, "setup")
    made.accounts.add("otto", "operator", PASSWORD, "setup")
    yield made
    made.store.close()


def started(fleet: Fleet, cookies: dict[str, str] | None = None) -> TestClient:
    """The page as after a start of the daemon."""
    connected = NoHelpers()
    app = create_page(fleet, Hall(connected, fleet.desk), connected.events)  # type: ignore[arg-type]
    return TestClient(app, follow_redirects=False, client=("127.0.0.1", 50000), cookies=cookies)


def test_a_log_in_outlives_a_restart_and_ends_with_the_password(fleet: Fleet) -> None:
    first = started(fleet)
    assert first.post("/login", data={"name": "otto", "password": PASSWORD}).status_code == 303
    cookies = dict(first.cookies)
    again = started(fleet, cookies)
    assert again.get("/api/fleet/stations").status_code == 200
    file = fleet.folder / FILE_NAME
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert next(iter(cookies.values())) not in file.read_text(), "who reads the file cannot log in with it"
    fleet.accounts.change("otto", "eva", password="another horse battery")
    assert started(fleet, cookies).get("/api/fleet/stations").status_code == 401
    fleet.accounts.change("otto", "eva", password=PASSWORD)
    again.post("/logout")
    assert json.loads(file.read_text()) == {}


def test_a_log_in_is_good_for_a_shift_and_not_before_it_began(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sessions = Sessions(tmp_path)
    key, begun = sessions.begin("otto", "proof"), ledger.now()
    for hours, good in ((11, True), (13, False), (-1, False)):
        monkeypatch.setattr(ledger, "now", lambda hours=hours: begun + timedelta(hours=hours))
        assert (Sessions(tmp_path).of(key) is not None) == good, hours


@pytest.mark.parametrize("text", ["", "{", "[]", '{"x": 1}', '{"x": {"name": "eva"}}', "\xff"])
def test_a_damaged_file_logs_nobody_in(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE_NAME).write_bytes(text.encode("latin-1"))
    assert Sessions(tmp_path).of("x") is None


def test_a_badge_logs_in_for_an_operators_work_and_no_more(fleet: Fleet) -> None:
    engineer = started(fleet)
    engineer.post("/login", data={"name": "eva", "password": PASSWORD})
    made = engineer.post("/api/fleet/accounts/eva/badge").json()
    assert made["picture"].startswith("data:image/png;base64,")
    wall = started(fleet)
    assert wall.post("/login", data={"badge": made["badge"]}).status_code == 303
    assert wall.get("/api/fleet/stations").status_code == 200
    assert wall.get("/api/fleet/audit").status_code == 403, "also of an engineer's badge"
    assert wall.post("/api/fleet/accounts", json={"name": "x", "role": "engineer"}).status_code == 403
    fleet.accounts.revoke_tokens("eva", "eva")
    assert wall.get("/api/fleet/stations").status_code == 401


def test_badges_cannot_be_tried_out_and_a_programs_token_is_none(fleet: Fleet) -> None:
    sees = fleet.accounts.make_token("otto", "screen", 1, "setup", ["see"])
    wall = started(fleet)
    assert wall.post("/login", data={"badge": sees}).status_code == 401
    codes = [wall.post("/login", data={"badge": f"bmsr_{number}"}).status_code for number in range(6)]
    assert codes[0] == 401
    assert codes[-1] == 429
