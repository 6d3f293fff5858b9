"""What goes out and comes in is seen; backups are found, checked, taken out and made into a job."""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from bmsrescue.card.check import check_card
from bmsrescue.config import Config, RecordsPlace
from bmsrescue.fleet.fleet import Fleet
from bmsrescue.fleet.kept_backups import missing_backups
from bmsrescue.fleet.queues import time_fault
from bmsrescue.fleet.records.cards import find_cards, import_card
from bmsrescue.fleet.records.keeping import keep_backup
from bmsrescue.fleet.records.taking import IMPORT, LineTaker
from bmsrescue.fleet.stations.hall import Hall
from bmsrescue.fleet.stations.station import Station
from bmsrescue.fleet.web.app import create_page
from bmsrescue.twin.rig import default_card_files
from fake_station import FakeHelper, NoHelpers
from rescuelink.outcomes import OUTCOMES
from sealed_records import chain, write_card

_DASHBOARD = Path(__file__).parents[2] / "docs" / "grafana-line.json"
_FLASH_KIB = 1024


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    config = Config(records=RecordsPlace(webhook="http://user:secret@erp.invalid/attempts?key=secret"))
    made = Fleet(config, tmp_path / "data")
    yield made
    made.store.close()


@pytest.fixture
def client(fleet: Fleet) -> TestClient:
    connected = NoHelpers()
    hall = Hall(connected, fleet.desk)  # type: ignore[arg-type]
    station = hall.stations["one"] = Station("one", FakeHelper("one"), fleet.desk, hall._tell)
    station.state = "empty"
    app = create_page(fleet, hall, connected.events)
    return TestClient(app, follow_redirects=False, client=("127.0.0.1", 50000))


def flash_of_a_unit() -> bytes:
    """A whole flash whose first sector runs: the demo's firmware at its begin, and the unit's own words at its end."""
    files = default_card_files()
    image = next(data for name, data in files.items() if name.endswith(".bin"))
    return image[: 256 * 1024].ljust(_FLASH_KIB * 1024 - 16, b"\xff") + b"CALIBRATION 4711"


@pytest.fixture
def backup(fleet: Fleet, tmp_path: Path) -> str:
    data = flash_of_a_unit()
    sha256 = hashlib.sha256(data).hexdigest()
    lines = chain("h1", 1, outcome="RECOVERED", backup={"sha256": sha256, "file": "backups/x.bin", "bytes": len(data)})
    lines += ["no record"]
    import_card(fleet.store, fleet.site_id, fleet.backups, find_cards(write_card(tmp_path / "card", lines))[0])
    with fleet.store.read() as session:
        assert missing_backups(session, fleet.site_id) == 1
    keep_backup(fleet.store, fleet.site_id, fleet.backups, "x.bin", data)
    return sha256


def test_a_backup_is_found_checked_downloaded_and_put_back_by_a_job(
    fleet: Fleet, client: TestClient, backup: str
) -> None:
    (found,) = client.get(f"/api/fleet/backups?q={backup[:8]}").json()
    assert (found["sha256"], found["size"]) == (backup, _FLASH_KIB * 1024)
    assert found["uid"][-8:] in found["uid"]
    assert client.get("/api/fleet/backups?q=nothing").json() == []
    assert backup[:16] in client.get("/backups").text
    assert client.post(f"/api/fleet/backups/{backup}/check").json()["intact"] is True
    assert client.get(f"/api/fleet/backups/{backup}/flash.bin").content == flash_of_a_unit()
    packed = client.get(f"/api/fleet/backups/{backup}/put-back.zip")
    assert packed.status_code == 200, packed.text
    with zipfile.ZipFile(io.BytesIO(packed.content)) as card:
        files = {name: card.read(name) for name in card.namelist()}
    assert found["uid"] in files.pop("README.txt").decode()
    job = check_card(files)  # the dongle's own code
    assert job.uid == found["uid"], "a helper refuses any other chip"
    image = files[job.image.file]
    flash = bytearray(b"\xff" * _FLASH_KIB * 1024)
    for segment in json.loads(files["job.json"])["image"]["segments"]:
        begin = int(segment["address"], 0) - 0x08000000
        flash[begin : begin + segment["length"]] = image[segment["offset"] : segment["offset"] + segment["length"]]
    assert bytes(flash) == flash_of_a_unit(), "bit by bit what the unit held"
    actions = {entry["action"] for entry in client.get("/api/fleet/audit").json()}
    assert {"backup checked", "backup downloaded", "backup made into a job"} <= actions


def test_a_backup_that_is_not_what_was_kept_is_told_and_only_an_engineer_takes_one_out(
    fleet: Fleet, client: TestClient, backup: str
) -> None:
    (file,) = (fleet.folder / "backups").rglob("*.bin")
    file.write_bytes(b"rotten")
    answer = client.post(f"/api/fleet/backups/{backup}/check")
    assert answer.status_code == 422
    assert "is not what was kept" in answer.json()["error"]["message"]
    assert client.get(f"/api/fleet/backups/{'0' * 64}/flash.bin").status_code == 404
    fleet.accounts.add("eva", "engineer", "correct horse battery", "setup")
    fleet.accounts.add("otto", "operator", "correct horse battery", "setup")
    headers = {"Authorization": "Bearer " + fleet.accounts.make_token("otto", "x", 1, "setup")}
    for path in ("flash.bin", "put-back.zip"):
        assert client.get(f"/api/fleet/backups/{backup}/{path}", headers=headers).status_code == 403
    assert "put-back.zip" not in client.get("/backups", headers=headers).text


def test_a_backup_of_a_unit_that_could_not_start_is_no_job(fleet: Fleet, client: TestClient) -> None:
    data = b"\xff" * 64 * 1024 + b"x" * 64
    sha256 = hashlib.sha256(data).hexdigest()
    with fleet.store.write() as session:
        LineTaker("card", IMPORT).take(session, fleet.site_id, chain("h1", 1, backup={"sha256": sha256}))
    keep_backup(fleet.store, fleet.site_id, fleet.backups, "x.bin", data)
    answer = client.get(f"/api/fleet/backups/{sha256}/put-back.zip")
    assert answer.status_code == 422, answer.text


def test_what_came_in_and_what_waits_is_seen_without_the_webhooks_secrets(client: TestClient, backup: str) -> None:
    shown = client.get("/health").text
    assert "line 2: " in shown, "what was noticed on the card"
    assert "erp.invalid" in shown
    assert "secret" not in shown
    assert "1 line set aside" in re.sub(r"<[^>]*>", "", shown)


def test_what_the_webhooks_program_refuses_is_seen_told_again_or_left_out_by_an_engineer(
    fleet: Fleet, client: TestClient
) -> None:
    assert fleet.webhook is not None
    came: list[int] = []

    def answer(request: httpx.Request) -> httpx.Response:
        came.append(json.loads(request.content)["sequence"])
        return httpx.Response(422 if came[-1] in (1, 2) else 204)

    fleet.webhook._client = httpx.Client(transport=httpx.MockTransport(answer))
    fleet.webhook.catch_up()
    with fleet.store.write() as session:
        LineTaker("card", IMPORT).take(session, fleet.site_id, chain("h1", 3))
    fleet.webhook.catch_up()
    first, second = client.get("/api/fleet/webhook/refused").json()
    assert (first["attempt"]["sequence"], first["refusal"]["status"]) == (1, 422)
    shown = client.get("/health").text
    assert "refuses 2, takes the others" in shown
    assert "refuses 2 of the attempts" in client.get("/troubles").text
    assert f"/attempts/{second['attempt']['sha256']}" in shown
    assert client.delete(f"/api/fleet/webhook/refused/{first['number']}").status_code == 204
    assert client.post("/api/fleet/webhook/again").status_code == 204
    fleet.webhook.catch_up()
    assert came == [1, 2, 3, 2]
    actions = {entry["action"] for entry in client.get("/api/fleet/audit").json()}
    assert {"webhook told again", "not told to the webhook"} <= actions
    fleet.accounts.add("eva", "engineer", "correct horse battery", "setup")
    fleet.accounts.add("otto", "operator", "correct horse battery", "setup")
    headers = {"Authorization": "Bearer " + fleet.accounts.make_token("otto", "x", 1, "setup")}
    assert client.post("/api/fleet/webhook/again", headers=headers).status_code == 403
    assert "Leave it out" not in client.get("/health", headers=headers).text


def test_metrics_are_read_by_prometheus_own_parser_and_the_dashboard_asks_for_nothing_else(
    fleet: Fleet, client: TestClient, backup: str
) -> None:
    fleet.desk.metrics.ended("one", "RECOVERED", 17.5)
    families = {one.name: one for one in text_string_to_metric_families(client.get("/metrics").text)}
    states = [(sample.labels, sample.value) for sample in families["bmsrescue_station_state"].samples]
    assert states == [({"station": "one", "state": "empty"}, 1.0)]
    seconds = families["bmsrescue_job_seconds"]
    assert seconds.type == "histogram"
    assert {sample.labels["le"] for sample in seconds.samples if sample.value and "le" in sample.labels} >= {"20.0"}
    queues = {sample.labels["queue"]: sample.value for sample in families["bmsrescue_queue_length"].samples}
    assert queues["backups"] == 0
    assert queues["webhook"] >= 0
    named = {sample.name for family in families.values() for sample in family.samples}
    dashboard = json.loads(_DASHBOARD.read_text(encoding="utf-8"))
    asked = {
        name
        for panel in dashboard["panels"]
        for target in panel["targets"]
        for name in re.findall(r"bmsrescue_[a-z_]+", target["expr"])
    }
    assert asked <= named, asked - named
    outcomes = set(re.findall(r"[A-Z_]{6,}", json.dumps(dashboard["panels"]))) - {"HELP"}
    assert outcomes <= set(OUTCOMES)


def test_a_clock_that_nobody_has_set_is_told(tmp_path: Path) -> None:
    assert "not been set by a time server" in time_fault(tmp_path / "synchronized", tmp_path)
    (tmp_path / "synchronized").touch()
    assert time_fault(tmp_path / "synchronized", tmp_path) == ""
    assert time_fault(tmp_path / "synchronized", tmp_path / "no such service") == ""
