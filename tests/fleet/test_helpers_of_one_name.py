"""Virtual helpers that all say "helper-1", under a running daemon: each station shows its own unit's result."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx

from virtual_hall import VirtualHall, running_hall, until

SETTINGS = "[stations]\nsettle_s = 0.5\n"
ONE_NAME = "helper-1"
PATIENCE_S = 500.0  # a whole cure on the twin


def station(hall: VirtualHall, name: str) -> dict[str, Any]:
    found: dict[str, Any] = httpx.get(f"{hall.url}/api/fleet/stations/{name}", timeout=30).json()
    return found


def empty(hall: VirtualHall, name: str) -> None:
    until(lambda: station(hall, name).get("state") == "empty", f"{name} never came", hall.complaints)


def work(hall: VirtualHall, name: str, scenario: str, label: str) -> None:
    hall.stations[name].insert(scenario, 1)
    until(lambda: station(hall, name)["state"] == "wait for label", "the unit was not seen", hall.complaints)
    httpx.post(f"{hall.url}/api/fleet/scan", json={"text": label, "station": name}, timeout=30).raise_for_status()


def result(hall: VirtualHall, name: str) -> tuple[str, str]:
    """What the station shows, and the outcome that it shows it for."""

    def shown() -> tuple[str, str] | None:
        now = station(hall, name)
        return (now["state"], now["result"]["outcome"]) if now.get("result") and now["state"] != "working" else None

    def instead() -> tuple[object, str]:
        return station(hall, name), hall.complaints()

    found: tuple[str, str] = until(shown, f"{name} shows no result", instead, PATIENCE_S)
    return found


def records(hall: VirtualHall) -> dict[str, tuple[str, str, int]]:
    """Of each label: the station, the outcome and the number of its record."""
    lines = httpx.get(f"{hall.url}/api/fleet/export.jsonl", timeout=30).text.splitlines()
    found = [json.loads(line) for line in lines]
    return {one["label"]: (one["station"], one["outcome"], one["sequence"]) for one in found}


def set_aside(hall: VirtualHall) -> int:
    return int(httpx.get(f"{hall.url}/api/fleet/quarantine", timeout=30).json()["count"])


def test_two_helpers_of_one_name_show_each_their_own_result_and_the_wall_says_so(tmp_path: Path) -> None:
    with running_hall(tmp_path, ("left", "right"), SETTINGS, ONE_NAME) as hall:
        for name in hall.stations:
            empty(hall, name)
        wall = httpx.get(hall.url, headers={"Accept": "text/html"}, timeout=30).text
        assert "The helper of station right is called helper-1, too" in wall
        assert "The helper of station left is called helper-1, too" in wall
        work(hall, "left", "bad-vectors", "U-1")
        assert result(hall, "left") == ("PASS", "RECOVERED")
        work(hall, "right", "short-3v3", "U-2")
        assert result(hall, "right") == ("FAIL", "UNSAFE")
        assert result(hall, "left") == ("PASS", "RECOVERED")
        assert records(hall) == {"U-1": ("left", "RECOVERED", 1), "U-2": ("right", "UNSAFE", 1)}
        assert set_aside(hall) == 0


def test_a_helper_that_was_replaced_by_one_of_its_name_shows_its_own_result(tmp_path: Path) -> None:
    with running_hall(tmp_path, ("left",), SETTINGS, ONE_NAME) as hall:
        empty(hall, "left")
        work(hall, "left", "bad-vectors", "U-1")
        assert result(hall, "left") == ("PASS", "RECOVERED")
        hall.replace("left", ONE_NAME)
        until(lambda: "Another helper than before" in station(hall, "left")["note"], "not told", hall.complaints)
        empty(hall, "left")
        work(hall, "left", "no-vcap", "U-2")
        assert result(hall, "left") == ("FAIL", "NOT_FIRMWARE")
        assert records(hall) == {"U-1": ("left", "RECOVERED", 1), "U-2": ("left", "NOT_FIRMWARE", 1)}
        assert set_aside(hall) == 0
