"""Units that are taken away while somebody works on them, by a watchdog chip, a supervisor or the front end."""

from __future__ import annotations

import pytest

from bmsrescue.twin.scenarios import unit_programs as programs
from hand_units import Pressed, on_board, unit_of, with_code

ALWAYS = on_board("watchdog-always", watchdog_ms=1600.0, watchdog_off_when_floating=False)


@pytest.mark.parametrize("period_ms", [3_000.0, 5_000.0])
def test_a_unit_in_order_that_is_reset_seldom_is_not_healthy(period_ms: float) -> None:
    pressed = Pressed(unit_of("H7B0", "in-order", on_board("nrst-seldom", nrst_pulse_period_ms=period_ms)))
    assert pressed.ends == ("NOT_FIRMWARE", "reset-loop")
    assert abs(pressed.record["evidence"]["nrst"]["period_ms"] - period_ms) < period_ms / 20
    assert "watchdog chip at NRST" in pressed.record["next_step"]


def test_a_cured_unit_that_is_reset_every_five_seconds_is_not_recovered() -> None:
    pressed = Pressed(unit_of("H7B0", "blank", on_board("nrst-seldom", nrst_pulse_period_ms=5_000.0)))
    assert pressed.ends == ("NOT_FIRMWARE", "reset-loop")
    assert pressed.holds_image()
    assert not pressed.runs_alone(7_000)


def test_a_healthy_unit_was_watched_for_resets_and_it_says_for_how_long() -> None:
    pressed = Pressed(unit_of("H7B0", "in-order"))
    assert pressed.ends == ("NO_FAULT_FOUND", "healthy")
    assert pressed.record["evidence"]["nrst"]["window_ms"] >= 6_500
    assert "NRST watched for 65" in pressed.told


@pytest.mark.parametrize(("part", "what"), [("H730", "blank"), ("H7B0", "crashing"), ("H7B0", "torn")])
def test_a_watchdog_chip_that_nobody_serves_does_not_stop_a_cure(part: str, what: str) -> None:
    pressed = Pressed(unit_of(part, what, ALWAYS))
    assert pressed.record["outcome"] == "RECOVERED"
    later = pressed.record["evidence"]["nrst"].get("later")
    assert later is None if part == "H7B0" else later["edges"] >= 1, "128 KiB are backed up and written between two"
    assert pressed.holds_image() and pressed.keeps_own_data() and pressed.runs_alone()


def test_firmware_that_hangs_on_a_board_with_a_watchdog_chip_is_cured_and_the_board_not_blamed() -> None:
    pressed = Pressed(with_code(unit_of("H7B0", "in-order", ALWAYS), programs.IDLE, "hangs in a loop"))
    assert pressed.record["outcome"] == "RECOVERED"
    assert pressed.holds_image() and pressed.runs_alone()


def test_a_watchdog_chip_too_fast_for_a_sector_is_named_with_what_to_do() -> None:
    fast = on_board("watchdog-always", watchdog_ms=950.0, watchdog_off_when_floating=False)
    pressed = Pressed(unit_of("H730", "blank", fast))
    assert pressed.record["outcome"] == "INTERRUPTED"
    assert "a watchdog chip by its jumper" in pressed.record["next_step"]
    assert "replace" not in pressed.told and "SWCLK" not in pressed.record["next_step"]
    assert pressed.keeps_own_data()


@pytest.mark.parametrize(("part", "what"), [("H730", "blank"), ("H7B0", "cut")])
def test_a_front_end_that_takes_the_supply_from_a_silent_chip_does_not_stop_a_cure(part: str, what: str) -> None:
    pressed = Pressed(unit_of(part, what, on_board("afe-silent", afe_watchdog_ms=3_000.0)))
    assert pressed.record["outcome"] == "RECOVERED"
    assert pressed.holds_image() and pressed.keeps_own_data() and pressed.runs_alone()
    if "silent" in pressed.record["evidence"]:
        assert abs(pressed.record["evidence"]["silent"]["ms"] - 3_000) < 200
        assert "with nobody at work" in pressed.told
