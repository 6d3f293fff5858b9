"""The command on a helper, as a person uses it: what the tests of the bench's commands share."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from bmsrescue.twin.scenarios.scenario import Scenario
from link_twin import Host, WatchedTwin, helper_on


class Said(NamedTuple):
    """What a command left."""

    status: int
    out: str
    errors: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Said]


@contextmanager
def started_helper(scenario: str | Scenario, **options: Any) -> Iterator[WatchedTwin]:
    """A helper whose agent has started: a person would not type faster than that."""
    with helper_on(scenario, **options) as twin:
        with Host(twin.url):
            pass
        yield twin
