from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from bmsrescue.twin.scenarios import find
from bmsrescue.twin.scenarios.scenario import build_unit
from served_unit import ServedUnit


@pytest.fixture
def serve() -> Iterator[Callable[..., ServedUnit]]:
    """Serves the unit of a scenario, each with its own ports."""
    units: list[ServedUnit] = []

    def start(scenario: str = "blank", **how: bool) -> ServedUnit:
        units.append(ServedUnit(build_unit(find(scenario)), **how))
        return units[-1]

    yield start
    for unit in units:
        unit.close()


@pytest.fixture
def unit(serve: Callable[..., ServedUnit]) -> ServedUnit:
    """A powered unit with blank flash."""
    return serve()
