"""A helper on a broken unit behind a pty, and a host that talks to it: what the tests of the link share."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from bmsrescue.link.client import LinkClient
from bmsrescue.twin.bench import default_card
from bmsrescue.twin.scenarios import find
from bmsrescue.twin.serial_twin import SerialTwin

PATIENCE_S = 120.0  # of a test for something that is certain to come, on a machine that does other things as well


@contextmanager
def helper_on(scenario: str, card: bytearray | None = None, **options: Any) -> Iterator[SerialTwin]:
    """A helper wired to the unit of a scenario, with the default card unless another is given."""
    with SerialTwin(find(scenario), default_card() if card is None else card, **options) as twin:
        yield twin


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

    def all_of(self, name: str) -> list[Any]:
        return [data for event, data in self.events if event == name]

    def power_on(self) -> None:
        self.call("power.on", timeout_s=PATIENCE_S)

    def connect(self, how: str | None = "under-reset", hz: int = 1_000_000) -> Any:
        self.power_on()
        return self.call("target.connect", how, hz, timeout_s=PATIENCE_S)


def records_on(card: bytearray) -> list[dict[str, Any]]:
    """The records on a card's image."""
    import json

    from bmsrescue.card.fat import read_files

    lines = read_files(card).get("records/records.jsonl", b"").decode().splitlines()
    return [json.loads(line) for line in lines]
