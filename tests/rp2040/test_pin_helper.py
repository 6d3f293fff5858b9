"""The agent with its own drivers (pins, ADC, SPI card, I2C display, watchdog) on MicroPython, pin by pin to a unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from bmsrescue.card.fat import read_files
from bmsrescue.twin.board.unit import Unit
from bmsrescue.twin.helper.helper import ENDED, RunResult
from bmsrescue.twin.rig import card_for, scenario_named
from bmsrescue.twin.rp2040.pin_helper import PIN_SWCLK_HZ, PinHelper
from bmsrescue.twin.scenarios.scenario import build_unit


@dataclass
class PinRun:
    unit: Unit
    helper: PinHelper
    result: RunResult

    @property
    def record(self) -> dict[str, Any]:
        assert self.result.record is not None, self.result.output
        return self.result.record


CALIBRATION_SECTOR = 7


def press(name: str) -> PinRun:
    """A press of the button. The unit has no calibration: a backup would take minutes at a bit-banged wire's pace."""
    scenario = scenario_named(name)
    unit = build_unit(scenario, 0)
    unit.chip.flash.blank(CALIBRATION_SECTOR)
    helper = PinHelper(unit, card_for(scenario))
    return PinRun(unit, helper, helper.run())


@pytest.fixture(scope="module")
def recovery() -> PinRun:
    return press("option-corruption")


def test_a_unit_is_recovered_over_bit_banged_pins_and_an_spi_card(recovery: PinRun) -> None:
    assert recovery.result.how == ENDED
    assert recovery.record["outcome"] == "RECOVERED"
    assert recovery.result.swclk_cycles > 50_000
    assert not recovery.unit.supply_on


def test_no_wire_is_driven_that_must_not_be(recovery: PinRun) -> None:
    assert recovery.helper.wiring.violations == []


def test_the_record_is_on_the_card(recovery: PinRun) -> None:
    names = " ".join(read_files(recovery.helper.wiring.card.image))
    assert "record" in names


def test_the_rails_are_what_the_adc_reads_through_its_dividers(recovery: PinRun) -> None:
    rails = recovery.record["rails"]["on"]
    assert 17_500 < rails["bplus"]["mv"] < 18_500
    assert 3_200 < rails["v3v3"]["mv"] < 3_400
    assert 0 < recovery.record["evidence"]["rails"]["ma"] < 150


def test_the_display_has_shown_the_run(recovery: PinRun) -> None:
    assert len(recovery.result.panel.screens) > 5
    assert recovery.result.panel.leds


def test_a_slow_wire_says_how_slow_it_is(recovery: PinRun) -> None:
    assert recovery.record["evidence"]["swd"]["hz"] == PIN_SWCLK_HZ


@pytest.mark.parametrize("name", ["no-supply", "short-3v3", "over-vcap"])
def test_a_rail_fault_is_found_through_the_adc(name: str) -> None:
    run = press(name)
    assert run.record["diagnosis"]["cause"] == scenario_named(name).expected_diagnosis
    assert run.record["outcome"] == scenario_named(name).expected_outcome
    assert run.helper.wiring.violations == []
    assert not run.unit.supply_on
