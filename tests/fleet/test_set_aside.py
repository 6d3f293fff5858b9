"""What was set aside is counted on every view, listed with its reason, and there whole for who asks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from bmsrescue.cli import app
from bmsrescue.config import Config
from bmsrescue.fleet import ledger
from bmsrescue.fleet.fleet import Fleet
from bmsrescue.fleet.records.taking import IMPORT, LineTaker
from bmsrescue.fleet.stations.hall import Hall
from bmsrescue.fleet.store import Store, sqlite_url
from bmsrescue.fleet.web.app import create_page
from fake_station import NoHelpers
from rescuelink.seal import line_hash
from sealed_records import chain

SCRIPT = "<script>alert(1)</script>"
NUMBER = "e6614c311b7e8f2a"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[TestClient]:
    fleet = Fleet(Config(), tmp_path)
    connected = NoHelpers()
    hall = Hall(connected, fleet.desk)  # type: ignore[arg-type]
    client = TestClient(create_page(fleet, hall, connected.events), client=("127.0.0.1", 1), follow_redirects=False)
    client.headers["accept"] = "text/html"
    yield client
    fleet.store.close()


def take(folder: Path, lines: list[str]) -> None:
    store = Store.open(sqlite_url(folder))
    with store.write() as session:
        LineTaker("a card", IMPORT).take(session, ledger.own_site(session), lines)
    store.close()


def test_it_is_counted_listed_and_there_whole(served: TestClient, tmp_path: Path) -> None:
    assert "set aside</a>" not in served.get("/").text
    honest, other = chain("helper-1", 2, helper_id=NUMBER, seed=1), chain("helper-1", 2, helper_id=NUMBER, seed=2)
    take(tmp_path, [*honest, *other, SCRIPT])
    assert "⚠ 3 set aside" in served.get("/").text
    told = served.get("/api/fleet/quarantine").json()
    assert told["count"] == 3
    assert {one["why"] for one in told["lines"]} == {
        "no checksum",
        "helper-1 1 is here already and says otherwise",
        "helper-1 2 is here already and says otherwise",
    }
    whole = {served.get(f"/api/fleet/quarantine/{one['sha256']}").text for one in told["lines"]}
    assert whole == {*other, SCRIPT}
    view = served.get("/quarantine").text
    assert "says otherwise" in view
    assert SCRIPT not in view
    assert served.get("/api/fleet/quarantine/" + "0" * 64).status_code == 404


def test_many_come_a_page_at_a_time(served: TestClient, tmp_path: Path) -> None:
    take(tmp_path, [f"line {number}" for number in range(150)])
    first, second = (served.get(f"/api/fleet/quarantine?before={n}").json() for n in (0, 100))
    assert (first["count"], len(first["lines"]), len(second["lines"])) == (150, 100, 50)
    assert len({one["sha256"] for one in first["lines"] + second["lines"]}) == 150
    assert "/quarantine?before=100" in served.get("/quarantine").text
    assert "Older" not in served.get("/quarantine?before=100").text


def test_the_records_command_counts_and_lists_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BMSRESCUE_DATA", str(tmp_path))
    monkeypatch.setenv("BMSRESCUE_CONFIG", str(tmp_path / "none.toml"))
    take(tmp_path, ["junk", "[bold]more[/bold]"])
    said = CliRunner().invoke(app, ["records", "aside"]).stdout
    assert "2 lines are set aside." in said
    assert "no checksum" in said
    told = json.loads(CliRunner().invoke(app, ["records", "aside", "--json"]).stdout)
    assert (told["count"], {one["beginning"] for one in told["lines"]}) == (2, {"junk", "[bold]more[/bold]"})


def test_several_records_of_one_name_and_number_are_told_apart(served: TestClient, tmp_path: Path) -> None:
    one, two = chain("helper/1", 1, helper_id=NUMBER), chain("helper/1", 1, helper_id="aa" + NUMBER, seed=3)
    take(tmp_path, one + two)
    view = served.get("/attempts/helper/1/1")
    assert view.status_code == 200
    assert "Several records go by this name and number" in view.text
    refused = served.get("/api/fleet/attempts/helper/1/1")
    assert (refused.status_code, refused.json()["error"]["kind"]) == (409, "bad_request")
    by_number = served.get(f"/api/fleet/attempts/{NUMBER}/1").json()
    assert by_number["line"] == one[0]
    assert served.get(f"/api/fleet/records/{by_number['sha256']}").json() == by_number
    report = served.get(f"/attempts/{by_number['sha256']}")
    assert NUMBER in report.text
    assert "Another helper of that name made it." in report.text
    for kind in ("label.zpl", "label.png"):
        assert served.get(f"/api/fleet/records/{by_number['sha256']}/{kind}").status_code == 200


@pytest.mark.parametrize(
    "changes", [{"plan": 7, "steps": "x"}, {"steps": [1, {"name": []}]}, {"consent": {"words": 3}}]
)
def test_a_report_stands_whatever_type_a_record_has_there(
    served: TestClient, tmp_path: Path, changes: dict[str, object]
) -> None:
    take(tmp_path, chain("h1", 1, diagnosis={"evidence": {"x": 1}, "cause": "update-cut"}, **changes))
    assert served.get("/attempts/h1/1").status_code == 200


@pytest.mark.parametrize(
    ("release", "told"),
    [
        (None, "unsigned: a helper for development ran it"),
        ({"series": "BR16S", "number": 7, "key": "5f0d9a1c22b7e344"}, "release 7 of BR16S, signed by key"),
        ({"series": "BR16S", "number": 6, "key": "5f0d", "exception": True}, "an exception for this helper"),
    ],
)
def test_a_report_says_whether_the_job_was_signed_and_by_whom(
    served: TestClient, tmp_path: Path, release: dict[str, object] | None, told: str
) -> None:
    take(tmp_path, chain("h1", 1, job={"name": "bms-1.2.0", "release": release}))
    assert told in served.get("/attempts/h1/1").text


@pytest.mark.parametrize("name", ["a/b", "..", "x?y#z", '"><script>', "50 %"])
def test_a_record_of_a_helper_whose_name_cannot_be_in_an_address_opens(
    served: TestClient, tmp_path: Path, name: str
) -> None:
    (line,) = lines = chain(name, 1)
    take(tmp_path, lines)
    report = served.get(f"/attempts/{line_hash(line)}")
    assert report.status_code == 200
    assert name.partition(">")[0].replace('"', "&#34;") in report.text
    assert "><script>" not in report.text
    assert served.get(f"/api/fleet/records/{line_hash(line)}").json()["helper"] == name
