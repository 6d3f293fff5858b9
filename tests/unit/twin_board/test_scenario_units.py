"""The broken units behave as their stories say, with the real chip and the unit's own firmware."""

from pathlib import Path

import pytest

from bmsrescue.cli.twin.catalogue import page_of, parts_of, rows_in
from bmsrescue.twin import scenarios
from bmsrescue.twin.board.parts import RAILS
from bmsrescue.twin.board.unit import Unit
from bmsrescue.twin.firmware import IMAGE_ADDRESS, expected_cells_mv, image_bytes
from bmsrescue.twin.firmware.builds import firmware_of
from bmsrescue.twin.scenarios import UnknownScenarioError, all_scenarios, find
from bmsrescue.twin.scenarios.scenario import build_unit
from must_end_as import row_of
from repository import ROOT
from rescuelink.diagnoses import all_causes
from rescuelink.outcomes import OUTCOMES

MS = 1_000_000
SEED = 4


def run_ms(unit: Unit, duration_ms: int) -> None:
    unit.clock.advance(duration_ms * MS)


def energised(name: str, settle_ms: int = 600) -> Unit:
    unit = build_unit(find(name), SEED)
    unit.set_power(True)
    run_ms(unit, settle_ms)
    return unit


def calibration(unit: Unit) -> bytes:
    build = firmware_of(unit.chip)
    assert build is not None
    offset = build.calibration_address - IMAGE_ADDRESS
    return unit.chip.flash.snapshot()[offset : offset + 0x400]


# --- a healthy unit ---------------------------------------------------------------------------------------------------


def test_a_healthy_unit_shows_its_calibrated_cells() -> None:
    unit = energised("healthy", 2000)
    assert unit.display.cells_mv == list(expected_cells_mv(calibration(unit)))
    assert unit.display.pack_mv == pytest.approx(52_800, abs=500)
    assert unit.display.lines[0].startswith("PACK 52.")


def test_a_healthy_units_led_blinks() -> None:
    unit = energised("healthy")
    seen = set()
    for _ in range(20):
        run_ms(unit, 100)
        seen.add(unit.leds["run"])
    assert seen == {False, True}
    assert not unit.leds["fault"]


def test_a_long_press_turns_a_healthy_unit_off_and_a_short_one_does_not() -> None:
    unit = energised("healthy")
    unit.press_button(True)
    run_ms(unit, 500)
    unit.press_button(False)
    run_ms(unit, 500)
    assert unit.display.powered
    unit.press_button(True)
    run_ms(unit, 2000)
    unit.press_button(False)
    run_ms(unit, 2500)
    assert not unit.display.powered
    assert unit.rail_mv("v12") < 300
    assert unit.rail_mv("bplus") > 17_000


def test_a_button_wakes_a_unit_that_was_turned_off() -> None:
    unit = energised("healthy")
    unit.press_button(True)
    run_ms(unit, 2000)
    unit.press_button(False)
    run_ms(unit, 2500)
    unit.press_button(True)
    run_ms(unit, 200)
    unit.press_button(False)
    run_ms(unit, 800)
    assert unit.display.pack_mv > 50_000


def test_an_application_at_full_clock_draws_clearly_more_than_a_lockup() -> None:
    assert energised("healthy").supply_ma > energised("half-on").supply_ma + 10


# --- dead ones --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["half-on", "blank"])
def test_a_unit_without_vectors_is_half_on(name: str) -> None:
    unit = energised(name, 2000)
    assert 10_800 <= unit.rail_mv("v12") <= 13_200
    assert unit.display.powered
    assert unit.display.pack_mv == 0
    assert set(unit.display.cells_mv) == {0}
    assert not any(unit.leds.values())
    assert unit.chip.core.lockup
    assert 20 <= unit.supply_ma <= 60
    unit.press_button(True)
    run_ms(unit, 6000)
    assert unit.display.powered, "the button is read by firmware that is not there"


def test_half_on_is_an_update_cut_after_the_first_sectors_erase() -> None:
    flash = build_unit(find("half-on"), SEED).chip.flash
    old = image_bytes("1.1.0")
    assert flash.is_blank(0)
    size = flash.geometry.sector_size
    assert flash.snapshot()[size : len(old)] == old[size:]


def test_an_interrupted_program_is_a_beginning_a_torn_word_and_blank() -> None:
    unit = build_unit(find("interrupted-program"), SEED)
    flash, image = unit.chip.flash, image_bytes()
    torn = [a for a in range(IMAGE_ADDRESS, IMAGE_ADDRESS + flash.geometry.size, 32) if flash.is_torn(a)]
    assert len(torn) == 1
    cut = torn[0] - IMAGE_ADDRESS
    assert flash.snapshot()[:cut] == image[:cut]
    assert set(flash.snapshot()[cut + 32 : 7 * flash.geometry.sector_size]) == {0xFF}
    assert 0.3 * len(image) < cut < 0.7 * len(image)


def test_an_interrupted_program_shows_zeros_on_a_lit_display() -> None:
    unit = energised("interrupted-program", 2500)
    assert unit.display.powered
    assert unit.display.pack_mv == 0


def test_without_a_supply_nothing_happens_at_all() -> None:
    unit = energised("no-supply")
    assert [unit.rail_mv(rail) for rail in RAILS] == [0] * 5
    assert unit.supply_ma == 0


def test_a_short_on_3v3_leaves_12v_up_and_the_chip_dead() -> None:
    unit = energised("short-3v3")
    assert unit.rail_mv("v12") > 10_800
    assert unit.rail_mv("v3v3") < 1000
    assert unit.supply_ma > 100
    assert not unit.chip.system.powered


def test_an_interrupted_erase_is_blank_then_torn_then_the_old_firmware() -> None:
    flash = build_unit(find("interrupted-erase"), SEED).chip.flash
    torn = [n for n in range(flash.geometry.words_per_sector) if flash.is_torn(IMAGE_ADDRESS + 32 * n)]
    assert torn == list(range(torn[0], torn[0] + 16))
    assert set(flash.snapshot()[: 32 * torn[0]]) == {0xFF}
    after = 32 * (torn[-1] + 1)
    assert flash.snapshot()[after : after + 4096] == image_bytes("1.1.0")[after : after + 4096]


def test_a_shorted_latch_outlives_a_long_press_that_the_firmware_obeyed() -> None:
    unit = energised("latch-shorted")
    unit.press_button(True)
    run_ms(unit, 2000)
    unit.press_button(False)
    run_ms(unit, 2500)
    assert unit.chip.pin("PB5") is False
    assert unit.rail_mv("v12") > 10_800


def test_a_firing_supervisor_keeps_restarting_the_firmware() -> None:
    unit = energised("reset-loop", 2000)
    falls = unit.nrst_falls
    run_ms(unit, 1000)
    assert unit.nrst_falls - falls == pytest.approx(10, abs=1)


def test_a_brown_out_in_flash_work_happens_once_and_resets_the_chip() -> None:
    unit = energised("brownout-during-flash", 3000)
    falls = unit.nrst_falls
    for register, value in ((0x04, 0x45670123), (0x04, 0xCDEF89AB), (0x0C, 0x3B4)):  # KEYR1 twice; CR1: erase sector 3
        unit.chip.bus.write(0x52002000 + register, 4, value)
    lowest_mv = 3300
    for _ in range(1400):
        run_ms(unit, 1)
        lowest_mv = min(lowest_mv, unit.rail_mv("v3v3"))
    assert lowest_mv < 1000
    assert unit.rail_mv("v3v3") > 3200
    assert unit.nrst_falls == falls + 1
    unit.set_power(False)
    run_ms(unit, 3000)
    unit.set_power(True)
    run_ms(unit, 20_000)
    assert unit.nrst_falls == falls + 2, "only the power cycle"


# --- all of them ------------------------------------------------------------------------------------------------------


def test_every_unit_keeps_a_calibration_of_its_own() -> None:
    blocks = {calibration(build_unit(find("blank"), seed)) for seed in range(5)}
    assert len(blocks) == 5
    for scenario in all_scenarios():
        healthy = find("healthy").on_part(scenario.config.part)
        assert calibration(build_unit(scenario, SEED)) == calibration(build_unit(healthy, SEED))


def test_chip_identities_differ_by_seed_and_stay_the_same_for_one() -> None:
    uids = [build_unit(find("healthy"), seed).chip.config.unique_id for seed in (1, 2, 3, 1)]
    assert len(set(uids)) == 3
    assert uids[0] == uids[3]


@pytest.mark.parametrize("name", [scenario.name for scenario in all_scenarios()])
def test_the_same_seed_gives_the_same_unit(name: str) -> None:
    def trace() -> list[object]:
        unit = build_unit(find(name), SEED)
        points: list[object] = [unit.chip.flash.snapshot()]
        unit.set_power(True)
        for _ in range(40):
            run_ms(unit, 10)
            points.append(([unit.rail_mv(rail) for rail in RAILS], unit.supply_ma, unit.leds))
        return points

    assert trace() == trace()


def test_each_scenario_has_its_place_in_the_list_in_the_expectations_and_in_the_catalogue() -> None:
    folder = Path(scenarios.__file__).parent
    written = {path.stem for path in folder.glob("*.py") if "\nSCENARIO = " in path.read_text(encoding="utf-8")}
    unlisted = sorted(written - set(scenarios._ORDER))
    assert not unlisted, f"add to _ORDER of host/bmsrescue/twin/scenarios/__init__.py: {unlisted}"
    names = [scenario.name for scenario in all_scenarios()]
    for name in names:
        row_of(name)
    rows = rows_in((ROOT / "docs" / "catalogue.md").read_text(encoding="utf-8"))
    without = [name for name in names if name not in rows]
    only = " ".join(f"--only {name}" for name in without)
    assert not without, f"last of all run: bmsrescue twin catalogue --write docs/catalogue.md {only}"


def test_what_the_catalogue_says_of_units_that_are_not_run_again_stays() -> None:
    text = (ROOT / "docs" / "catalogue.md").read_text(encoding="utf-8")
    assert list(parts_of(text)) == list(rows_in(text))
    assert page_of(list(parts_of(text).values())) == text


def test_a_scenario_names_causes_and_outcomes_that_exist() -> None:
    causes = {cause.name for cause in all_causes()}
    for scenario in all_scenarios():
        assert scenario.expected_diagnosis in causes, scenario.name
        assert scenario.expected_outcome in OUTCOMES, scenario.name
        assert scenario.summary and scenario.story


def test_a_misspelt_scenario_is_answered_with_the_nearest_names() -> None:
    with pytest.raises(UnknownScenarioError, match="half-on"):
        find("halfon")
    with pytest.raises(UnknownScenarioError, match="healthy"):
        find("zzz")


def test_power_off_after_a_run_is_proven_within_two_seconds() -> None:
    unit = energised("healthy")
    unit.set_power(False)
    run_ms(unit, 2000)
    assert all(unit.rail_mv(rail) < 300 for rail in RAILS)
    assert not unit.chip.system.powered
