"""Virtual stations whose units a test puts in and takes out, and `bmsrescue serve --stations` over them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bmsrescue.fleet.twin.virtual_station import TOLD

PATIENCE_S = 240.0
_END_S = 30.0


def until(
    holds: Callable[[], Any], what: str, instead: Callable[[], object] = str, patience_s: float = PATIENCE_S
) -> Any:
    """Waits for something that is certain to come. `instead`: what there is while it does not."""
    deadline = time.monotonic() + patience_s
    while not (found := holds()):
        assert time.monotonic() < deadline, f"{what}: {instead()}"
        time.sleep(0.05)
    return found


class ToldStation:
    """A helper on a nest, in a process of its own. Each is other hardware, also one of the same name."""

    def __init__(self, name: str, called: str = "") -> None:
        self.name = name
        self._called = called or f"helper-{name}"
        command = [sys.executable, "-m", "bmsrescue.fleet.twin.virtual_station", self._called, "1", TOLD]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.url = ""

    def await_port(self) -> None:
        assert self._process.stdout is not None
        self.url = json.loads(self._process.stdout.readline())["url"]

    def insert(self, scenario: str, seed: int) -> None:
        """The same scenario and seed again are the same unit again, as it was left."""
        self._tell(insert=scenario, seed=seed)

    def remove(self) -> None:
        self._tell(remove=True)

    def pull_in(self, step: str) -> None:
        """The unit goes when the job comes to this step."""
        self._tell(pull_in=step)

    def _tell(self, **told: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(told) + "\n")
        self._process.stdin.flush()

    def end(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class VirtualHall:
    """A daemon over told stations; `url` is its page."""

    def __init__(self, stations: dict[str, ToldStation], url: str, errors: Path) -> None:
        self.stations = stations
        self.url = url
        self._errors = errors

    def replace(self, name: str, called: str = "") -> None:
        """Another helper at the same port."""
        self.stations[name].end()
        other = self.stations[name] = ToldStation(name, called)
        other.await_port()
        _plug_in(self._errors.parent, other)

    def complaints(self) -> str:
        """What the daemon has written to its standard error."""
        return self._errors.read_text()


def _plug_in(folder: Path, station: ToldStation) -> Path:
    """The port by a name that stays when another helper is plugged in there."""
    port = folder / f"port-{station.name}"
    port.unlink(missing_ok=True)
    port.symlink_to(station.url)
    return port


@contextmanager
def running_hall(folder: Path, names: tuple[str, ...], settings: str, called: str = "") -> Iterator[VirtualHall]:
    """`settings`: the configuration's [stations] and [[stations.rules]]. `called`: what every helper says it is."""
    stations = {name: ToldStation(name, called) for name in names}
    errors = folder / "errors"
    try:
        for station in stations.values():
            station.await_port()
        config = folder / "config.toml"
        urls = "".join(f'[helpers.{one.name}]\nurl = "{_plug_in(folder, one)}"\n' for one in stations.values())
        config.write_text(urls + settings)
        environment = {**os.environ, "BMSRESCUE_DATA": str(folder), "BMSRESCUE_CONFIG": str(config)}
        command = [sys.executable, "-c", "from bmsrescue.cli import main; main()", "serve", "--port", "0", "--stations"]
        with (
            errors.open("w") as log,
            subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=log, text=True) as process,
        ):
            assert process.stdout is not None
            try:
                url = process.stdout.readline().removeprefix("listening: ").strip()
                assert url, errors.read_text()
                yield VirtualHall(stations, url, errors)
            finally:
                process.send_signal(signal.SIGTERM)
                process.wait(_END_S)
    finally:
        for station in stations.values():
            station.end()
