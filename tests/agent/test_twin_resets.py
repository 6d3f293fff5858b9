"""A unit that somebody resets while it is worked on: told with its period, and blamed on neither flash nor wires."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bmsrescue.twin.rig import TwinRig, card_for
from bmsrescue.twin.scenarios import find
from dongle_run import DongleRun, press_button

CALIBRATION = 7 * 128 * 1024
LOOK_MS = 200  # a reset is dated by the look that finds it, up to so much later


def reset_every(period_ms: float, name: str = "half-on") -> DongleRun:
    scenario = find(name)
    disturbed = replace(
        scenario, breaks=lambda unit: scenario.breaks(unit) or unit.break_board(nrst_pulse_period_ms=period_ms)
    )
    card = card_for(scenario)
    return press_button(TwinRig(disturbed, card), card)


def told(run: DongleRun) -> str:
    record = run.record
    return " / ".join([record["sentence"], record["next_step"] or "", *record["diagnosis"]["evidence"]])


@pytest.mark.parametrize("period_ms", [2_500.0, 3_000.0, 4_300.0])
def test_resets_in_backup_and_cure_are_counted_with_their_period(period_ms: float) -> None:
    run = reset_every(period_ms)
    later = run.record["evidence"]["nrst"]["later"]
    assert later["edges"] >= 2
    assert abs(later["period_ms"] - period_ms) < 0.05 * period_ms + LOOK_MS
    assert f"NRST fell {later['edges']} time(s) while the unit was worked on" in told(run)
    assert "replace" not in told(run), "no flash is worn"
    assert "wires and their contacts" not in told(run), "nor is a wire bad"
    assert not any(attempt["how"] == "slower" for attempt in run.record["evidence"]["swd"]["tries"])
    assert run.flash_after[CALIBRATION:] == run.flash_before[CALIBRATION:]
    if run.record["outcome"] != "RECOVERED":
        assert run.record["outcome"] == "NOT_FIRMWARE"
        assert run.record["diagnosis"]["cause"] in ("reset-loop", "not-running")
        assert "the unit was reset" in run.record["sentence"] or "is reset every" in run.record["diagnosis"]["sentence"]


def test_a_unit_in_order_that_is_reset_now_and_then_is_not_called_worn_or_green_unseen() -> None:
    run = reset_every(2_500.0, "worn-sector")
    assert run.record["outcome"] in ("NOT_FIRMWARE", "INTERRUPTED")
    assert "replace" not in told(run)
    assert "what resets the unit" in run.record["next_step"]
