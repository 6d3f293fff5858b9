"""A chip whose banks are swapped has the unit's own data where its firmware should be: nothing is written over it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bmsrescue.twin.board.unit import Unit
from bmsrescue.twin.rig import TwinRig, card_for
from bmsrescue.twin.scenarios import find
from dongle_run import press_button

SWAP_BANK = 1 << 31


@pytest.mark.parametrize("name", ["healthy", "half-on"])
def test_swapped_banks_are_named_and_the_calibration_stays(name: str) -> None:
    scenario = find(name).on_part("H743")

    def breaks(unit: Unit) -> None:
        scenario.breaks(unit)
        stored = unit.chip.options.stored
        unit.chip.options.preset(replace(stored, optsr=stored.optsr | SWAP_BANK))

    card = card_for(scenario)
    run = press_button(TwinRig(replace(scenario, breaks=breaks), card), card)
    assert run.record["diagnosis"]["cause"] == "banks-swapped"
    assert run.record["outcome"] == "LOCKED"
    half = len(run.flash_before) // 2  # the swap shows from power-on
    assert run.flash_after == run.flash_before[half:] + run.flash_before[:half]
