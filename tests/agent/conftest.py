"""Runs of the pocket dongle on the twin, shared by the tests that look at them from different sides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from bmsrescue.card.fat import read_files
from bmsrescue.twin.bench import TwinBench, card_for
from bmsrescue.twin.helper.helper import RunResult
from bmsrescue.twin.scenarios import find


@dataclass
class DongleRun:
    """One press of the dongle's button, and the unit before and after it."""

    bench: TwinBench
    result: RunResult
    flash_before: bytes
    flash_after: bytes
    card: dict[str, bytes]

    @property
    def record(self) -> dict[str, Any]:
        assert self.result.record is not None, self.result.output
        return self.result.record


def press_button(bench: TwinBench, card: bytearray | None) -> DongleRun:
    flash = bench.unit.chip.flash
    before = flash.snapshot()
    result = bench.run()
    return DongleRun(bench, result, before, flash.snapshot(), {} if card is None else read_files(card))


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
