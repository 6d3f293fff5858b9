"""Each broken unit is run once, for all tests that look at that run."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bmsrescue.twin.bench import TwinBench, card_for
from bmsrescue.twin.scenarios import find
from dongle_run import DongleRun, press_button


@pytest.fixture(scope="session")
def scenario_run() -> Callable[[str], DongleRun]:
    """The run of a scenario with the default card and seed 0, made once."""
    made: dict[str, DongleRun] = {}

    def run(name: str) -> DongleRun:
        if name not in made:
            card = card_for(find(name))
            made[name] = press_button(TwinBench(find(name), card), card)
        return made[name]

    return run
