"""The daemon is killed at random moments while its stations recover units: whether each record is stored once.

The stations are processes of their own and live on: they lose their host in the middle of their jobs, again and again,
as real helpers would. What their cards hold in the end is compared with what the store holds.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx

STATIONS = 4
_PAUSE_S = 1.0
_LONGEST_LIFE_S = 8.0
_PATIENCE_S = 180.0


@dataclass
class Kept:
    """What came of it."""

    kills: int = 0
    in_work: int = 0
    """Stations that were at a job when their daemon was killed."""
    records: int = 0
    lost: list[tuple[str, int]] = field(default_factory=list)
    doubled: list[tuple[str, int]] = field(default_factory=list)


class _Hall:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._url = ""
        self._daemon: subprocess.Popen[str] | None = None
        self._stations = []
        urls = ""
        for number in range(STATIONS):
            command = [sys.executable, "-m", "bmsrescue.fleet.twin.virtual_station", f"kill-{number}", str(number)]
            station = subprocess.Popen(
                [*command, str(_PAUSE_S)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            assert station.stdout is not None
            urls += f'[helpers.s{number}]\nurl = "{json.loads(station.stdout.readline())["url"]}"\n'
            threading.Thread(target=self._scan_for, args=(f"s{number}", station), daemon=True).start()
            self._stations.append(station)
        folder.mkdir(parents=True)
        (folder / "config.toml").write_text(urls)

    def _scan_for(self, name: str, station: subprocess.Popen[str]) -> None:
        for line in station.stdout or ():
            scanned = json.loads(line).get("scanned")
            if scanned:
                with suppress(httpx.HTTPError):  # there is no daemon just now: it is scanned again
                    httpx.post(f"{self._url}/api/fleet/scan", json={"text": scanned, "station": name}, timeout=30)

    def start(self) -> None:
        environment = {
            **os.environ,
            "BMSRESCUE_DATA": str(self._folder),
            "BMSRESCUE_CONFIG": str(self._folder / "config.toml"),
        }
        command = [sys.executable, "-c", "from bmsrescue.cli import main; main()", "serve", "--port", "0", "--stations"]
        self._daemon = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        assert self._daemon.stdout is not None
        self._url = self._daemon.stdout.readline().removeprefix("listening: ").strip()

    def states(self) -> Counter[str]:
        return Counter(one["state"] for one in httpx.get(f"{self._url}/api/fleet/stations", timeout=60).json())

    def kill(self) -> None:
        assert self._daemon is not None
        self._daemon.send_signal(signal.SIGKILL)
        self._daemon.wait()

    def quiet(self) -> None:
        """Until no station works and what the helpers had is stored."""
        for number in range(STATIONS):
            httpx.post(f"{self._url}/api/fleet/stations/s{number}/pause", json={"paused": True}, timeout=60)
        deadline = time.monotonic() + _PATIENCE_S
        while (states := self.states())["working"] or states["out of service"] or not states:
            assert time.monotonic() < deadline, states
            time.sleep(0.5)

    def stored(self) -> Counter[tuple[str, int]]:
        lines = httpx.get(f"{self._url}/api/fleet/export.jsonl", timeout=60).text.splitlines()
        return Counter((one["helper"], one["sequence"]) for one in map(json.loads, lines))

    def on_cards(self) -> set[tuple[str, int]]:
        found = set()
        for number in range(STATIONS):
            found |= {(one["helper"], one["sequence"]) for one in map(json.loads, self._lines_on_card(number))}
        return found

    def _lines_on_card(self, number: int) -> list[str]:
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            told = httpx.get(f"{self._url}/api/helpers/s{number}/records", timeout=60).json()
            if "lines" in told:
                lines: list[str] = told["lines"]
                return lines
            if told["error"]["kind"] != "busy" or time.monotonic() > deadline:  # backups are fetched meanwhile
                raise SystemExit(f"the records of s{number} cannot be read: {told['error']}")
            time.sleep(0.5)

    def end(self) -> None:
        self.kill()
        for station in self._stations:
            station.kill()
            station.wait()


def kill_daemon(folder: Path, kills: int) -> Kept:
    """Start and kill the daemon so many times."""
    kept, rng = Kept(), random.Random("daemon kills")
    hall = _Hall(folder / "killed-hall")
    hall.start()
    try:
        deadline = time.monotonic() + _PATIENCE_S
        while hall.states()["working"] < STATIONS // 2:
            assert time.monotonic() < deadline
            time.sleep(0.5)
        for _kill in range(kills):
            time.sleep(rng.uniform(0.0, _LONGEST_LIFE_S))
            kept.in_work += hall.states()["working"]
            hall.kill()
            kept.kills += 1
            hall.start()
        hall.quiet()
        cards, stored = hall.on_cards(), hall.stored()
    finally:
        hall.end()
    kept.records = len(cards)
    kept.lost = sorted(cards - set(stored))
    kept.doubled = sorted(one for one, count in stored.items() if count > 1)
    return kept
