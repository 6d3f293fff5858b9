"""A helper on a broken unit behind a pty, and a host that talks to it: what the tests of the link share."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from bmsrescue.card.fat import make_image, read_files
from bmsrescue.link.client import LinkClient
from bmsrescue.twin.helper.serial_port import PtyPort, TcpPort
from bmsrescue.twin.rig import default_card
from bmsrescue.twin.scenarios import find
from bmsrescue.twin.scenarios.scenario import Scenario
from bmsrescue.twin.serial_twin import SerialTwin
from rescuelink.errors import LinkError, RescueError

PATIENCE_S = 120.0  # of a test for something that is certain to come, on a machine that does other things as well


class WatchedTwin(SerialTwin):
    """A helper on a unit that remembers what the agent told and when the unit's supply was switched."""

    def __init__(self, scenario: str | Scenario, card: bytearray, **options: Any) -> None:
        self.events: list[tuple[int, str, Any]] = []
        self.on_told: Callable[[str, Any], None] | None = None
        """Called with what the agent tells; the agent goes on when it has returned."""
        found = find(scenario) if isinstance(scenario, str) else scenario
        super().__init__(found, card, watch=self._keep, **options)
        self.cards_image = card
        self.power_log: list[tuple[int, bool]] = []
        set_power = self.unit.set_power

        def remember(on: bool) -> None:
            if on != self.powered:
                self.power_log.append((self.unit.clock.now_ns // 1_000_000, on))
            set_power(on)

        self.unit.set_power = remember  # type: ignore[method-assign]

    def _keep(self, at_ms: int, name: str, data: Any) -> None:
        self.events.append((at_ms, name, data))
        if self.on_told is not None:
            self.on_told(name, data)

    @property
    def powered(self) -> bool:
        return bool(self.power_log) and self.power_log[-1][1]

    def told(self, name: str, fits: Callable[[Any], bool] = lambda data: True) -> list[Any]:
        return [data for _at_ms, event, data in list(self.events) if event == name and fits(data)]


@contextmanager
def helper_on(scenario: str | Scenario, card: bytearray | None = None, **options: Any) -> Iterator[WatchedTwin]:
    """A helper wired to the unit of a scenario, with the default card unless another is given."""
    with WatchedTwin(scenario, default_card() if card is None else card, **options) as twin:
        yield twin


@contextmanager
def helper_behind(kind: str, scenario: str) -> Iterator[WatchedTwin]:
    """The same behind a "pty" or a "tcp" port."""
    with contextlib.ExitStack() as stack:
        port = stack.enter_context(TcpPort() if kind == "tcp" else PtyPort())
        yield stack.enter_context(helper_on(scenario, port=port))


def card_with_limits(**limits: int) -> bytearray:
    """The default card, its job with other limits."""
    files = read_files(default_card())
    job = json.loads(files["job.json"])
    job["limits"] = limits
    return make_image({**files, "job.json": json.dumps(job).encode()})


class Host(LinkClient):
    """A host that keeps the events it is told."""

    def __init__(self, url: str, name: str = "test") -> None:
        self.events: list[tuple[str, Any]] = []
        self._came = threading.Condition()
        super().__init__(url, on_event=self._keep)
        self.about = self.hello(name, timeout_s=PATIENCE_S)

    def _keep(self, name: str, data: Any) -> None:
        with self._came:
            self.events.append((name, data))
            self._came.notify_all()

    def wait_for(self, name: str, fits: Callable[[Any], bool] = lambda data: True) -> Any:
        """The data of the first event `name` that fits, when it has come."""

        def found() -> list[Any]:
            return [data for event, data in list(self.events) if event == name and fits(data)]

        with self._came:
            assert self._came.wait_for(found, PATIENCE_S), f"no event {name} came"
        return found()[0]

    def inject(self, noise: bytes) -> None:
        """Send bytes as they are."""
        self._write(noise)

    def all_of(self, name: str) -> list[Any]:
        return [data for event, data in self.events if event == name]

    def power_on(self) -> None:
        self.call("power.on", timeout_s=PATIENCE_S)

    def connect(self, how: str | None = "under-reset", hz: int = 1_000_000) -> Any:
        self.power_on()
        return self.call("target.connect", how, hz, timeout_s=PATIENCE_S)


def next_host(url: str, name: str) -> Host:
    """A host on a port that another has just closed: what is being started that moment may hold it until it runs."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            return Host(url, name)
        except LinkError as error:
            if error.kind != "port" or time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def in_background(host: Host, *call: Any) -> list[Any]:
    """Make a long call from a thread; the list gets its result or its error."""
    ended: list[Any] = []

    def work() -> None:
        try:
            ended.append(host.call(*call, timeout_s=PATIENCE_S))
        except RescueError as error:
            ended.append(error)

    threading.Thread(target=work, daemon=True).start()
    return ended


def client_process(url: str, *call: Any) -> subprocess.Popen[bytes]:
    """A host in a process of its own, which makes that call and can be killed."""
    program = (
        "import sys\n"
        "from bmsrescue.link.client import LinkClient\n"
        "host = LinkClient(sys.argv[1])\n"
        f"host.hello('victim', timeout_s={PATIENCE_S})\n"
        f"host.call(*{call!r}, timeout_s={PATIENCE_S})\n"
    )
    return subprocess.Popen([sys.executable, "-c", program, url])


def wait_until(true: Callable[[], Any]) -> None:
    """Until it is so."""
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


def records_on(card: bytearray) -> list[dict[str, Any]]:
    """The records on a card's image."""
    lines = read_files(card).get("records/records.jsonl", b"").decode().splitlines()
    return [json.loads(line) for line in lines]
