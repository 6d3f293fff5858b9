"""What is and what is not a unit that runs: images that crash, boards that keep a good image from starting."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from bmsrescue.twin.board.unit import Unit
from bmsrescue.twin.chip.config import ChipConfig
from bmsrescue.twin.rig import TwinRig, card_for
from bmsrescue.twin.scenarios import find
from bmsrescue.twin.scenarios.image_fronts import BRANCHES_TO_ITSELF, WAITS_FOR_CLOCK_CRYSTAL
from bmsrescue.twin.scenarios.scenario import Scenario


def press(scenario: Scenario) -> tuple[TwinRig, dict[str, Any]]:
    bench = TwinRig(scenario, card_for(scenario))
    result = bench.run()
    assert result.record is not None, result.output
    return bench, result.record


def changed(name: str, breaks: Callable[[Unit], None] | None = None, **changes: Any) -> Scenario:
    """A unit of the catalogue with more that is wrong with it."""
    found = find(name)

    def both(unit: Unit) -> None:
        found.breaks(unit)
        if breaks is not None:
            breaks(unit)

    return replace(found, breaks=both, **changes)


def test_an_image_that_branches_to_itself_is_never_green() -> None:
    _, record = press(changed("bad-vectors", card_image=BRANCHES_TO_ITSELF))
    assert (record["outcome"], record["proof"]["passed"]) == ("NOT_FIRMWARE", False)
    assert "stuck in a loop at one address (0x08000300)" in record["sentence"]
    assert record["proof"]["offer"]


def test_a_blank_unit_whose_boot0_is_strapped_is_told_so_before_and_after() -> None:
    _, record = press(changed("bad-vectors", lambda unit: unit.break_board(boot0_strapped=True)))
    assert (record["outcome"], record["diagnosis"]["cause"]) == ("NOT_FIRMWARE", "boot0-high")
    assert "BOOT0 is high at reset: look for a jumper or bridge" in record["sentence"]
    assert "The vector table is damaged" in record["diagnosis"]["evidence"][-1]


@pytest.mark.parametrize("start_ms", [2.0, 400.0])
def test_a_crystal_that_takes_its_time_is_none_that_is_dead(start_ms: float) -> None:
    config = ChipConfig(crystal_start_ms=start_ms)
    _, record = press(replace(find("dead-crystal"), config=config))
    assert (record["outcome"], record["diagnosis"]["cause"]) == ("NO_FAULT_FOUND", "healthy")
    assert record["diagnosis"]["confidence"] == "certain"


def test_firmware_that_waits_for_a_dead_crystal_of_its_real_time_clock_is_told_so() -> None:
    config = ChipConfig(lse_start_ms=None)
    _, record = press(changed("bad-vectors", config=config, card_image=WAITS_FOR_CLOCK_CRYSTAL))
    assert (record["outcome"], record["diagnosis"]["cause"]) == ("NOT_FIRMWARE", "no-crystal")
    assert "LSE asked for and not ready: look at the crystal of 32 kHz" in record["sentence"]


def test_a_crystal_of_the_real_time_clock_takes_two_seconds_and_is_waited_for() -> None:
    _, record = press(changed("bad-vectors", card_image=WAITS_FOR_CLOCK_CRYSTAL))
    assert record["outcome"] == "RECOVERED"


def test_a_word_that_breaks_while_the_power_is_away_is_found_at_the_proof() -> None:
    scenario = find("bad-vectors")
    bench = TwinRig(scenario, card_for(scenario))
    unit = bench.unit
    switch = unit.set_power
    seen = {"ons": 0}

    def set_power(on: bool) -> None:
        seen["ons"] += on
        if on and seen["ons"] == 2:  # the proof's true power cycle
            unit.chip.flash.tear(0x0800_0320)  # nothing of the firmware lies there: it runs on
        switch(on)

    unit.set_power = set_power  # type: ignore[method-assign]
    record: Any = bench.run().record
    assert record["proof"]["passed"] is False
    assert "does not hold the image any more" in record["sentence"]
    assert record["outcome"] != "RECOVERED"


def test_a_dead_crystal_that_no_firmware_asks_for_is_no_fault_of_the_unit() -> None:
    _, record = press(changed("healthy", config=ChipConfig(crystal_start_ms=None)))
    assert (record["outcome"], record["diagnosis"]["confidence"]) == ("NO_FAULT_FOUND", "certain")


def test_the_helper_without_a_wire_to_vcap_says_that_it_did_not_see_it() -> None:
    traits = replace(TwinRig(find("healthy"), None).unit.helper_traits, missing_rails=frozenset({"vcap"}))
    _, record = press(changed("healthy", lambda unit: unit.break_board(helper=traits)))
    assert (record["outcome"], record["diagnosis"]["confidence"]) == ("NO_FAULT_FOUND", "likely")
    assert "not measured: vcap" in told_of(record)


def told_of(record: dict[str, Any]) -> str:
    return " / ".join([record["diagnosis"]["sentence"], *record["diagnosis"]["evidence"]])
