"""Virtual stations as the daemon sees them: ports to open, and somebody who scans the labels."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from bmsrescue.client.finding import Found
from bmsrescue.fleet.twin.mishaps import NEIGHBOUR  # not from mix: the daemon needs no chip in software

_END_S = 10.0
# Chips in software that want more than the host has take what the daemon leaves: real helpers take none of it.
_STATIONS_PER_CORE, _NICE = 2, 10

Scan = Callable[[str, str], None]
"""(station, label), called from a thread."""

Show = Callable[[str, dict[str, Any]], None]
"""(station, what `Displays` told), called from a thread."""


class Crew:
    """`count` stations, each in a process of its own. `run_id` keeps their helpers apart from those of earlier runs."""

    def __init__(self, count: int, seed: int, run_id: str, pause_s: float = 3.0) -> None:
        self._on_scan: Scan | None = None
        self._on_display: Show | None = None
        self._urls: dict[str, str] = {}
        self._labels: dict[str, str] = {}  # of the units that are at a station
        self._processes: list[subprocess.Popen[str]] = []
        for number in range(1, count + 1):
            command = [sys.executable, "-m", "bmsrescue.fleet.twin.virtual_station"]
            process = subprocess.Popen(
                [*command, f"twin-{number}-{run_id}", str(seed * 1000 + number), str(pause_s)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            self._processes.append(process)
            if count > _STATIONS_PER_CORE * (os.cpu_count() or 1):
                os.setpriority(os.PRIO_PROCESS, process.pid, _NICE)
            threading.Thread(target=self._listen, args=(f"twin-{number}", process), daemon=True).start()

    def find(self) -> list[Found]:
        """The helpers that have a port by now."""
        return [Found(name, url, "twin", usb=False) for name, url in sorted(self._urls.items())]

    def scan_with(self, scan: Scan) -> None:
        """Who is told the label of each unit that is put in."""
        self._on_scan = scan

    def show_with(self, show: Show) -> None:
        """Who is told what the displays of dongles and units show."""
        self._on_display = show

    def _listen(self, name: str, process: subprocess.Popen[str]) -> None:
        for line in process.stdout or ():
            told = json.loads(line)
            if "url" in told:
                self._urls[name] = told["url"]
            elif "inserted" in told:
                self._labels[name] = told["inserted"]
            elif "removed" in told:
                self._labels.pop(name, None)
            elif "display" in told and self._on_display is not None:
                self._on_display(name, told["display"])
            elif "scanned" in told and self._on_scan is not None:
                self._on_scan(name, self._neighbour(name) if told["scanned"] == NEIGHBOUR else told["scanned"])

    def _neighbour(self, name: str) -> str:
        others = [label for other, label in sorted(self._labels.items()) if other != name]
        return others[0] if others else self._labels[name]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._processes:
            if process.stdin is not None:
                process.stdin.close()
        for process in self._processes:
            try:
                process.wait(_END_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
