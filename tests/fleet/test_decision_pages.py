"""The views of releases, accounts, audit log and consents: who sees what, and that they say what to do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from bmsrescue.config import Config
from bmsrescue.fleet.fleet import Fleet
from bmsrescue.fleet.records.taking import IMPORT, LineTaker
from bmsrescue.fleet.stations.hall import Hall
from bmsrescue.fleet.web.app import create_page
from bmsrescue.fleet.web.events import _told, _Wanted
from bmsrescue.twin.rig import default_card_files
from fake_station import NoHelpers
from sealed_records import chain, sample

ROLES = ("viewer", "operator", "engineer")
SCRIPT = "<script>alert(1)</script>"
JOB = "bms-1.2.0"


class Served:
    """The page over a store of its own, and a token for each role."""

    def __init__(self, folder: Path) -> None:
        self.fleet = Fleet(Config(), folder)
        connected = NoHelpers()
        hall = Hall(connected, self.fleet.desk)  # type: ignore[arg-type]
        page = create_page(self.fleet, hall, connected.events)
        self.client = TestClient(page, follow_redirects=False, client=("127.0.0.1", 50000))
        self.tokens = {}
        for role in reversed(ROLES):
            self.fleet.accounts.add(role, role, "", "setup")
            self.tokens[role] = self.fleet.accounts.make_token(role, "test", 1, "setup")
        with self.fleet.store.write() as session:
            record = sample()
            needs = record["diagnosis"] | {"cause": "rdp1", "needs": ["rdp-regression"], "ask": True}
            LineTaker("card", IMPORT).take(session, self.fleet.site_id, chain("h1", 1, diagnosis=needs))

    def ask(self, method: str, path: str, role: str = "engineer", **more: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.tokens[role]}"} | more.pop("headers", {})
        return self.client.request(method, path, headers=headers, **more)

    def view(self, path: str, role: str = "engineer") -> Any:
        return self.ask("GET", path, role, headers={"Accept": "text/html"})

    def release(self, note: str = "", **form: Any) -> Any:
        files = [("files", (name, data)) for name, data in default_card_files().items()]
        return self.ask("POST", "/api/fleet/releases", files=files, data={"note": note, **form})


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    made = Served(tmp_path_factory.mktemp("decisions"))
    made.release("first lot", allowance=500)
    made.release(SCRIPT)
    yield made
    made.fleet.store.close()


@pytest.mark.parametrize("path", ["/accounts", "/audit"])
@pytest.mark.parametrize("role", ["viewer", "operator"])
def test_who_may_not_is_told_so_on_a_page_with_a_way_back(served: Served, path: str, role: str) -> None:
    answer = served.view(path, role)
    assert answer.status_code == 403
    assert f"{role.capitalize()} is {role}; this takes an engineer." in answer.text
    assert "Ask an engineer." in answer.text
    assert 'href="/"' in answer.text


def test_an_operator_says_what_a_unit_is_and_only_an_engineer_gives_consent(served: Served) -> None:
    for role, says, consents in (("viewer", False, False), ("operator", True, False), ("engineer", True, True)):
        answer = served.view("/units/1", role)
        assert ("/api/fleet/units/1/notes" in answer.text) == says
        assert ("POST /api/fleet/consents" in answer.text) == consents
        assert SCRIPT not in answer.text


@pytest.mark.parametrize("path", ["/releases", f"/releases/{JOB}/1", f"/releases/{JOB}/2"])
def test_everybody_sees_what_was_decided_and_only_an_engineer_gets_forms(served: Served, path: str) -> None:
    for role in ROLES:
        answer = served.view(path, role)
        assert answer.status_code == 200
        assert ("data-send=" in answer.text) == (role == "engineer")
        assert SCRIPT not in answer.text


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", f"/api/fleet/releases/{JOB}/limits", {"version": 2}),
        ("POST", f"/api/fleet/releases/{JOB}/rollback", {"version": 1, "why": "x"}),
        ("POST", "/api/fleet/consents", {"unit": "X", "words": ["wrp"], "typed": "allow wrp on X", "why": "x"}),
        ("DELETE", "/api/fleet/consents/1", None),
        ("GET", "/api/fleet/accounts", None),
        ("POST", "/api/fleet/accounts/viewer/tokens", {"purpose": "x", "days": 1}),
        ("GET", "/api/fleet/audit", None),
    ],
)
def test_nobody_but_an_engineer_decides(served: Served, method: str, path: str, body: Any) -> None:
    for role in ("viewer", "operator"):
        answer = served.ask(method, path, role, json=body)
        assert (answer.status_code, answer.json()["error"]["kind"]) == (403, "may_not")


def test_limits_are_released_as_the_next_version_with_nothing_else_changed(served: Served) -> None:
    before = served.ask("GET", f"/api/fleet/releases/{JOB}/versions/2/document").json()
    rails = {"v3v3": {"low_mv": 3200, "high_mv": 3400, "danger_mv": 3630}}
    body = {"version": 2, "numbers": {"supply_ma": 200}, "rails": rails, "note": "tighter 3.3 V"}
    answer = served.ask("POST", f"/api/fleet/releases/{JOB}/limits", json=body)
    assert (answer.status_code, answer.json()["version"]) == (201, 3)
    after = served.ask("GET", f"/api/fleet/releases/{JOB}/versions/3/document").json()
    assert after.pop("limits") == {"supply_ma": 200, "rails": rails}
    before.pop("limits", None)
    assert after == before
    late = served.ask("POST", f"/api/fleet/releases/{JOB}/limits", json=body)
    assert late.status_code == 422
    assert "version 2 is not in force any more" in late.json()["error"]["message"]
    versions = served.ask("GET", f"/api/fleet/releases/{JOB}/versions").json()
    assert [(one["version"], one["in_force"]) for one in versions] == [(3, True), (2, False), (1, False)]


def test_limits_that_make_no_sense_are_refused_with_the_one_that_is_wrong(served: Served) -> None:
    newest = served.ask("GET", f"/api/fleet/releases/{JOB}/versions").json()[0]["version"]
    upside_down = {"v12": {"low_mv": 13000, "high_mv": 11000, "danger_mv": 15000}}
    body = {"version": newest, "rails": upside_down}
    answer = served.ask("POST", f"/api/fleet/releases/{JOB}/limits", json=body)
    assert answer.status_code == 422
    assert "limits.rails.v12" in answer.json()["error"]["message"]
    assert served.ask("GET", f"/api/fleet/releases/{JOB}/versions").json()[0]["version"] == newest


def test_a_consent_is_given_on_the_units_page_and_shown_there_with_its_end(served: Served) -> None:
    page = served.view("/units/1").text
    assert "needs consent to rdp-regression" in page
    uid = served.ask("GET", "/api/fleet/units/1").json()["uid"]
    body = {"unit": uid, "words": ["rdp-regression"], "typed": "allow everything", "why": f"agreed {SCRIPT}"}
    refused = served.ask("POST", "/api/fleet/consents", json=body)
    assert refused.json()["error"]["next_step"] == f'Type exactly: "allow rdp-regression on {uid[-8:]}".'
    body["typed"] = f"allow rdp-regression on {uid[-8:]}"
    given = served.ask("POST", "/api/fleet/consents", json=body)
    assert (given.status_code, given.json()["state"]) == (201, "waiting")
    page = served.view("/units/1", "viewer").text
    assert "waits for the next attempt" in page
    assert SCRIPT not in page
    assert served.ask("DELETE", f"/api/fleet/consents/{given.json()['number']}").status_code == 200
    assert "withdrawn by engineer" in served.view("/units/1").text
    listed = served.ask("GET", "/api/fleet/consents", params={"unit": uid}).json()
    assert [one["state"] for one in listed] == ["withdrawn"]


def test_the_audit_log_is_searched_and_paged(served: Served) -> None:
    for count in range(60):
        served.ask("PATCH", "/api/fleet/accounts/viewer", json={"role": ROLES[count % 2]})
    served.ask("PATCH", "/api/fleet/accounts/viewer", json={"role": "viewer"})
    first, second = served.view("/audit?q=viewer").text, served.view("/audit?q=viewer&page=1").text
    assert 'rel="next"' in first
    assert 'rel="prev"' in second
    assert "Nothing with" in served.view("/audit?q=no%20such%20thing").text
    found = served.ask("GET", "/api/fleet/audit", params={"q": "job RELEASED"}).json()
    assert {one["action"] for one in found} == {"job released"}


@pytest.mark.parametrize("text", ["%", "_", "' OR 1=1 --", SCRIPT, "\\"])
def test_sql_and_script_in_the_audit_logs_search_find_nothing_and_do_nothing(served: Served, text: str) -> None:
    served.ask("PATCH", "/api/fleet/accounts/operator", json={"role": "operator"})
    answer = served.client.get(
        "/audit",
        params={"q": text},
        headers={"Accept": "text/html", "Authorization": f"Bearer {served.tokens['engineer']}"},
    )
    assert answer.status_code == 200
    assert SCRIPT not in answer.text
    assert "account changed" not in answer.text


@pytest.mark.parametrize(
    "path", ["/releases/none/1", f"/releases/{JOB}/99", "/units/999", "/attempts/h1/99", "/nowhere"]
)
def test_what_is_not_there_is_a_page_that_says_where_to_go(served: Served, path: str) -> None:
    answer = served.view(path)
    assert answer.status_code == 404
    assert "To the stations" in answer.text


def test_a_program_still_gets_json_for_what_is_not_there(served: Served) -> None:
    answer = served.ask("GET", "/api/fleet/units/999", headers={"Accept": "text/html"})
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/json"


def test_accounts_are_listed_without_what_opens_them(served: Served) -> None:
    told = served.ask("GET", "/api/fleet/accounts")
    assert [one["name"] for one in told.json()] == ["engineer", "operator", "viewer"]
    assert not any(token in told.text for token in served.tokens.values())
    assert "argon2" not in told.text


def test_the_events_of_other_stations_come_without_their_rails(served: Served) -> None:
    event = {"number": 7, "at": 1.0, "helper": "left", "name": "rails", "data": {"rails": {}}}
    wanted = [_Wanted(station, "en") for station in (None, "left", "right", "")]
    told = [json.loads(_told(event, each).split("data: ", 1)[1]) for each in wanted]
    assert ["data" in one for one in told] == [True, True, False, False]
    assert {one["number"] for one in told} == {7}
