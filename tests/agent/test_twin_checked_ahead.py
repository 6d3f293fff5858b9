"""A dongle that waits checks its card ahead of the press; what it checked counts for that card alone."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bmsrescue.card.check import JOB_FILE
from bmsrescue.card.fat import make_image
from bmsrescue.twin.helper.micropython import twin_opcodes as op
from bmsrescue.twin.helper.panel import Press
from bmsrescue.twin.rig import TwinRig, default_card, default_card_files
from bmsrescue.twin.scenarios import find
from dongle_run import DongleRun, press_button

CHECKED_MS = 5000  # the look at the card begins after 1.5 s of idle, and has an image of 300 KiB in 0.9 s
SWAP_NS = 3_500_000_000
MS_PER_KIB = 2.5  # of reading from the card


def job_ms(run: DongleRun) -> int:
    return next(int(step["ms"]) for step in run.record["steps"] if step["name"] == "job")


def image_ms(files: dict[str, bytes]) -> float:
    image: Any = json.loads(files[JOB_FILE])["image"]["file"]
    return len(files[image]) / 1024 * MS_PER_KIB


def pressed(after_ms: int, card: bytearray, swapped: bytearray | None = None, takes_out: bool = False) -> DongleRun:
    """A press after so long; `swapped`: the card that is in the slot since before it."""
    swaps = [swapped] if swapped is not None or takes_out else []

    def swap(_opcode: int, _small: int, _number: int, _wide: int, _payload: bytes) -> None:
        if swaps and bench.unit.clock.now_ns >= SWAP_NS:
            bench.helper.swap_card(swaps.pop())

    bench = TwinRig(find("half-on"), card, presses=(Press(after_ms),), tap=swap)
    return press_button(bench, swapped if swapped is not None else card)


def damaged_card() -> bytearray:
    """The same job, and an image with one other bit."""
    files = default_card_files()
    name = json.loads(files[JOB_FILE])["image"]["file"]
    files[name] = files[name][:-1] + bytes([files[name][-1] ^ 1])
    return make_image(files)


def test_who_presses_late_does_not_wait_for_the_image() -> None:
    at_once, late = pressed(500, default_card()), pressed(CHECKED_MS, default_card())
    assert [run.record["outcome"] for run in (at_once, late)] == ["RECOVERED"] * 2
    assert job_ms(at_once) > image_ms(default_card_files())
    assert job_ms(late) < 100


def test_a_press_in_the_middle_of_the_check_is_not_lost() -> None:
    run = pressed(1900, default_card())
    assert run.record["outcome"] == "RECOVERED"
    assert job_ms(run) > image_ms(default_card_files()), "what was not checked to its end is checked by the run"


def test_another_card_is_checked_anew_though_its_job_is_the_same() -> None:
    run = pressed(CHECKED_MS, default_card(), damaged_card())
    assert (run.record["outcome"], run.record["error"]["kind"]) == ("TOOL_ERROR", "hash")
    assert run.flash_after == run.flash_before


def test_a_card_that_is_swapped_at_the_last_moment_is_checked_by_the_run() -> None:
    """Behind the last look of the waiting dongle and before the press: the run looks whose check it has."""
    swaps = [damaged_card()]

    def swap(opcode: int, _small: int, _number: int, _wide: int, _payload: bytes) -> None:
        if opcode == op.EVENT and swaps:  # the first of the run
            bench.helper.swap_card(swaps.pop())

    bench = TwinRig(find("half-on"), default_card(), presses=(Press(CHECKED_MS),), tap=swap)
    run = press_button(bench, None)
    assert not swaps
    assert (run.record["outcome"], run.record["error"]["kind"]) == ("TOOL_ERROR", "hash")
    assert run.flash_after == run.flash_before


def test_a_card_that_was_taken_out_is_missed() -> None:
    run = pressed(CHECKED_MS, default_card(), takes_out=True)
    assert run.record["outcome"] == "EXAMINED"


@pytest.mark.parametrize("after_ms", [500, CHECKED_MS])
def test_a_damaged_image_is_refused_by_the_run_whenever_it_was_found(after_ms: int) -> None:
    run = pressed(after_ms, damaged_card())
    assert (run.record["outcome"], run.record["error"]["kind"]) == ("TOOL_ERROR", "hash")
    assert run.flash_after == run.flash_before
