"""A target that lies: a run ends in bounded time all the same, calls no wrong byte good, and cures no other unit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from bmsrescue.image.whole_backup import whole_flash
from bmsrescue.twin.board.unit import Unit
from bmsrescue.twin.helper.helper import ENDED
from bmsrescue.twin.rig import TwinRig, Watcher
from dongle_run import DongleRun, press_button
from lying_targets import (
    MOST_MS,
    another_chip,
    another_debug_port,
    answers,
    contended,
    flipping,
    goes_away,
    never_ready,
    run_lie,
    stormy,
)
from sweep_cures import CURES, FLASH, SECTOR

CURE = CURES["sectors"]


def press(
    fault: Callable[[Unit], Any] | None = None,
    lie: Callable[[TwinRig], None] | None = None,
    at_step: tuple[str, Callable[[TwinRig], None]] | None = None,
    seed: int = 0,
) -> DongleRun:
    """One press; `lie` is told to the wire from the beginning, `at_step` when that step begins."""
    card, scenario = CURE.card(), CURE.scenario()
    broken = scenario if fault is None else replace(scenario, breaks=lambda u: (scenario.breaks(u), fault(u)))
    told: list[str] = []

    def event(_at_ms: int, name: str, data: Any) -> None:
        if at_step is not None and name == "step" and data["name"] == at_step[0] and not told:
            told.append(data["name"])
            at_step[1](bench)

    bench = TwinRig(broken, card, seed=seed, watcher=Watcher(event=event))
    if lie is not None:
        lie(bench)
    run = press_button(bench, card)
    assert at_step is None or told
    return run


def ends_well(run: DongleRun, kept: bool = True) -> None:
    record = run.record
    assert run.result.how == ENDED and not run.result.left_powered
    assert record["virtual_ms"] < MOST_MS
    if record["outcome"] in ("RECOVERED", "RECOVERED_CHECK_CONFIG"):
        assert all(run.flash_after[s.address - FLASH :][: len(s.data)] == s.data for s in CURE.segments)
    if kept:
        assert all(run.flash_after[at:][:size] == run.flash_before[at:][:size] for at, size in CURE.kept)
    if record["backup"] is not None and record["backup"]["verified"]:
        backup = read_backup(run)
        assert all(backup[at:][:size] == run.flash_before[at:][:size] for at, size in CURE.kept)


def read_backup(run: DongleRun) -> bytes:
    name = run.record["backup"]["file"]
    return whole_flash(run.card[name], name)


@pytest.mark.parametrize("step", ["backup", "act"])
def test_another_unit_in_the_middle_is_not_cured(step: str) -> None:
    run = press(at_step=(step, another_chip))
    ends_well(run)
    assert run.flash_after == run.flash_before
    assert run.record["outcome"] == "ABORTED"
    assert run.record["error"]["kind"] == "other_unit"
    assert "another chip answers" in run.record["sentence"]


def test_another_unit_behind_a_contact_that_was_lost_is_not_written_on() -> None:
    run = press(at_step=("act", lambda bench: goes_away(bench, 2_000, another_chip)))
    ends_well(run, kept=False)
    assert (run.record["outcome"], run.record["error"]["kind"]) == ("INTERRUPTED", "other_unit")
    assert [step["outcome"] for step in run.record["steps"] if step["name"] in ("act", "verify")] == ["other_unit"]


def test_another_debug_port_behind_a_contact_that_was_lost_is_another_unit() -> None:
    run = press(at_step=("act", lambda bench: goes_away(bench, 2_000, another_debug_port)))
    ends_well(run, kept=False)
    assert (run.record["outcome"], run.record["error"]["kind"]) == ("INTERRUPTED", "other_unit")


def test_memory_that_changes_between_two_reads_is_in_no_backup_that_calls_itself_verified() -> None:
    def changes(bench: TwinRig) -> None:
        bench.unit.chip.flash.load(FLASH + 3 * SECTOR, bytes(32))

    run = press(at_step=("backup", changes))
    record = run.record
    assert record["virtual_ms"] < MOST_MS
    if record["backup"] is not None:
        assert read_backup(run)[3 * SECTOR :][:SECTOR] == run.flash_after[3 * SECTOR :][:SECTOR]


@pytest.mark.parametrize("step", ["connect", "map", "act"])
def test_endless_wait_ends(step: str) -> None:
    run = press(at_step=(step, answers(never_ready, 1)))
    ends_well(run, kept=step != "act")
    assert run.record["outcome"] not in ("RECOVERED", "NO_FAULT_FOUND")


@pytest.mark.parametrize(
    "change",
    [stormy(0.02), contended(0.002), flipping(1e-4), flipping(1e-3), flipping(1e-2)],
    ids=["FAULT", "contention", "parity 1e-4", "parity 1e-3", "parity 1e-2"],
)
def test_answers_that_are_damaged_make_no_wrong_byte_good(change: Callable[[int, int, Random], int]) -> None:
    run = press(lie=answers(change, 5))
    ends_well(run)
    assert run.record["outcome"] in ("RECOVERED", "CHECK_WIRES", "INTERRUPTED", "NOT_FIRMWARE")
    assert "replace the microcontroller" not in (run.record["next_step"] or "")


@pytest.mark.parametrize("rate", [1e-3, 1e-2])
def test_many_doubled_clocks_end_and_spoil_nothing(rate: float) -> None:
    run = press(fault=lambda unit: unit.break_board(swd_extra_clock_rate=rate), seed=3)
    ends_well(run)
    assert "replace" not in (run.record["next_step"] or "")


@pytest.mark.parametrize("seed", (1, 4, 5))
def test_lies_of_a_seed_end_and_make_no_wrong_byte_good(seed: int) -> None:
    assert run_lie(seed).wrong == {}
