"""The agent on unmodified MicroPython firmware, on an emulated Pico wired to the twin: minutes for each test."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from small_unit import small_card, small_image, small_unit

from bmsrescue.agent import frozen
from bmsrescue.twin.board.unit import Unit
from bmsrescue.twin.helper.helper import ENDED, RunResult
from bmsrescue.twin.rig import card_for, scenario_named
from bmsrescue.twin.rp2040.rig import PicoRig
from bmsrescue.twin.scenarios.scenario import build_unit
from pico_scripts import Rates, found_on_board, output_on_board, rates_on_pico

pytestmark = pytest.mark.timeout(7200)

READY_MS = 1500
HEAP_FREE_BYTES = 100_000
PROGRAM_KIB_PER_S = 256
BACKUP_KIB_PER_S = 400


@dataclass
class PicoRun:
    unit: Unit
    card: bytearray
    result: RunResult
    violations: list[str]

    @property
    def record(self) -> dict[str, Any]:
        assert self.result.record is not None, self.result.output
        return self.result.record


def press(uf2: Path, unit: Unit, card: bytearray) -> PicoRun:
    bench = PicoRig(uf2, unit, card, settings={"once": True})
    result = bench.run()
    if result.record:
        told = ("outcome", "heap_free_min", "swclk_cycles", "steps")
        print(json.dumps({"virtual_ms": result.virtual_ms} | {key: result.record[key] for key in told}))
    return PicoRun(unit, card, result, bench.pico.wiring.violations)


@pytest.mark.parametrize("name", ["half-on", "interrupted-program"])
def test_a_unit_is_recovered_without_a_host(uf2: Path, name: str) -> None:
    run = press(uf2, small_unit(name), small_card())
    assert run.result.how == ENDED
    assert run.record["diagnosis"]["cause"] == scenario_named(name).expected_diagnosis
    assert run.record["outcome"] == "RECOVERED"
    image = small_image("1.2.0")
    assert run.unit.chip.flash.snapshot()[: len(image)] == image
    assert run.violations == []
    assert run.unit.chip.counters.violations == []
    assert not run.result.left_powered
    assert run.result.panel.screens[0][0] < READY_MS
    assert run.record["heap_free_min"] >= HEAP_FREE_BYTES


def test_the_large_table_of_names_is_taken_and_none_behind_it(uf2: Path) -> None:
    """The seventh; the eighth has 2560 places and takes 15 KiB in one piece (tests/agent/test_kept_names.py)."""
    if frozen.is_in(uf2):
        pytest.skip("the names of a frozen agent lie in flash")
    output = output_on_board(uf2, "names.py", small_unit("blank"), None)
    assert re.findall(r"n_pool=(\d+)", output) == ["7", "7"], output


def test_the_cards_clock_is_what_the_firmware_makes_of_it(uf2: Path) -> None:
    """Of 48 MHz: MicroPython's start takes SPI's clock from the PLL of USB."""
    found = found_on_board(uf2, "spi_clock.py", small_unit("blank"), None)
    assert found["hz"] == 12_000_000
    assert found["kib_us"] >= 1024 * 8 * 1e6 / found["hz"]


@pytest.mark.parametrize("name", ["short-3v3", "over-vcap"])
def test_a_rail_fault_is_found_through_the_adc(uf2: Path, name: str) -> None:
    scenario = scenario_named(name)
    run = press(uf2, build_unit(scenario, 0), card_for(scenario))
    assert run.record["diagnosis"]["cause"] == scenario.expected_diagnosis
    assert run.record["outcome"] == scenario.expected_outcome
    assert run.violations == []
    assert not run.result.left_powered


@pytest.fixture(scope="module")
def rates(uf2: Path) -> Rates:
    rates = rates_on_pico(uf2)
    print(rates.found)
    return rates


def test_a_dma_channel_would_not_feed_the_wire_faster_than_the_pump(uf2: Path) -> None:
    unit = build_unit(scenario_named("healthy"), 0)
    found = found_on_board(uf2, "feeding.py", unit, None)
    assert found["dma_ready_us_per_kib_12"] + found["dma_feed_us_per_kib_12"] > found["pump_us_per_kib_12"]
    # The same chip, through the GPIO registers:
    assert found["gpio_dpidr"] == 0x6BA02477
    assert found["gpio_reads"]
    assert unit.chip.counters.violations == []


def test_flash_is_programmed_from_the_card_as_fast_as_the_flash_allows(rates: Rates) -> None:
    found, unit, files = rates
    assert unit.chip.flash.snapshot()[0x40000:0x60000] == files["random.bin"]
    assert 1e6 / found["program_us_per_kib"] >= PROGRAM_KIB_PER_S


def test_a_backup_is_read_to_the_card(rates: Rates) -> None:
    found, _unit, files = rates
    assert files["backup.bin"] == files["random.bin"]
    assert 1e6 / found["backup_us_per_kib"] >= BACKUP_KIB_PER_S


def test_the_wire_runs_at_its_highest_clock(rates: Rates) -> None:
    found, unit, _files = rates
    assert found["swclk_hz"] == 12_500_000
    assert unit.chip.counters.violations == []


def test_hashing_is_no_tenth_of_the_way_from_card_to_flash(rates: Rates) -> None:
    assert rates.found["crc32_us_per_kib"] < 0.1 * rates.found["program_us_per_kib"]
