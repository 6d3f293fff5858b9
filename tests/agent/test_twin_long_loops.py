"""Firmware that counts for seconds before it starts: a loop of two instructions that ends, and one that does not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bmsrescue.twin.board.unit import Unit
from bmsrescue.twin.rig import TwinRig, card_for
from bmsrescue.twin.scenarios import find
from bmsrescue.twin.scenarios.image_fronts import counts_first, load_changed

ROUNDS_A_SECOND = 32_000_000  # of the internal oscillator's 64 MHz, two a round
SECONDS = 4
FOR_EVER_S = 130


def pressed(seconds: int, cut: bool) -> dict[str, Any]:
    """One press on a unit with an image that counts for so long, or whose update to it was cut."""
    image = counts_first(seconds * ROUNDS_A_SECOND)

    def breaks(unit: Unit) -> None:
        load_changed(unit, image)
        if cut:
            unit.chip.flash.blank(0)

    scenario = replace(find("healthy"), breaks=breaks, card_image=image)
    record = TwinRig(scenario, card_for(scenario)).run().record
    assert record is not None
    return record


@pytest.mark.parametrize(("cut", "outcome"), [(False, "NO_FAULT_FOUND"), (True, "RECOVERED")])
def test_a_unit_that_counts_for_seconds_before_it_starts_is_waited_for(cut: bool, outcome: str) -> None:
    record = pressed(SECONDS, cut)
    assert record["outcome"] == outcome


def test_a_loop_that_was_not_seen_to_end_is_told_with_how_long_it_was_watched() -> None:
    record = pressed(FOR_EVER_S, cut=False)
    assert (record["outcome"], record["diagnosis"]["cause"]) == ("NOT_FIRMWARE", "not-running")
    assert record["diagnosis"]["confidence"] == "likely"
    assert "has been in a loop of 2 instructions" in record["diagnosis"]["sentence"]
    assert record["evidence"]["core"]["activity"]["ms"] >= 6000
