"""A read-protected unit at a virtual station: refused, consented to by an engineer, recovered; all of it on record."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import httpx

from bmsrescue.twin.rig import default_card_files
from virtual_hall import VirtualHall, running_hall, until

PATIENCE_S = 280.0  # the whole chip is erased, and the cure is that of a blank one
LABEL = "BR16S-24000001"
SETTINGS = """
[stations]
settle_s = 0.5

[[stations.rules]]
job = "bms-1.2.0"
"""


def release_that_asks(hall: VirtualHall) -> None:
    files = default_card_files()
    document = json.loads(files["job.json"])
    document["policy"]["ask"] = ["rdp-regression"]
    files["job.json"] = json.dumps(document).encode()
    uploads = [("files", (name, data)) for name, data in files.items()]
    httpx.post(hall.url + "/api/fleet/releases", files=uploads, timeout=30).raise_for_status()


def station(hall: VirtualHall) -> dict[str, Any]:
    found: dict[str, Any] = httpx.get(hall.url + "/api/fleet/stations/one", timeout=30).json()
    return found


def ends(hall: VirtualHall, outcome: str) -> None:
    def result() -> bool:
        return (station(hall).get("result") or {}).get("outcome") == outcome

    deadline = time.monotonic() + PATIENCE_S
    while not result():
        assert time.monotonic() < deadline, (outcome, station(hall), hall.complaints())
        time.sleep(0.2)


def test_consent_lets_the_next_attempt_erase_the_chip_and_is_used_up_by_it(tmp_path: Path) -> None:
    with running_hall(tmp_path, ("one",), SETTINGS) as hall:
        until(lambda: station(hall).get("state") == "empty", "the station never came", hall.complaints)
        release_that_asks(hall)
        hall.stations["one"].insert("rdp1", 1)
        until(lambda: station(hall)["state"] == "wait for label", "the unit was not seen")
        httpx.post(hall.url + "/api/fleet/scan", json={"text": LABEL, "station": "one"}, timeout=30).raise_for_status()
        ends(hall, "LOCKED")
        unit = httpx.get(hall.url + "/api/fleet/units", timeout=30).json()[0]
        given = {
            "unit": unit["uid"],
            "words": ["rdp-regression"],
            "typed": f"allow rdp-regression on {unit['uid'][-8:]}",
            "why": "the customer agreed",
        }
        httpx.post(hall.url + "/api/fleet/consents", json=given, timeout=30).raise_for_status()
        httpx.post(hall.url + "/api/fleet/stations/one/retest", timeout=30).raise_for_status()
        ends(hall, "RECOVERED_CHECK_CONFIG")
        consent = httpx.get(hall.url + "/api/fleet/consents", params={"unit": unit["uid"]}, timeout=30).json()[0]
        assert (consent["state"], consent["station"], consent["sequence"]) == ("used", "one", 2)
        record = httpx.get(f"{hall.url}/api/fleet/attempts/helper-one/2", timeout=30).json()["record"]
        assert (record["consent"]["given"], record["consent"]["words"]) == (True, ["rdp-regression"])
        report = httpx.get(f"{hall.url}/attempts/helper-one/2", timeout=30).text
        assert "given by bench" in report
        assert "The helper did it: rdp-regression" in report
