"""A press without a card, or with a card without a job: the unit is looked at, told, and not changed in the least."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bmsrescue.card.fat import make_image, read_files
from bmsrescue.twin.helper.helper import ENDED
from bmsrescue.twin.rig import TwinRig
from bmsrescue.twin.scenarios import find
from dongle_run import DongleRun, press_button
from evidence_keys import WHAT_TO_DO, unknown
from helper_command import Run, started_helper
from rescuelink.chain import verify_chain

# What the fault that was put in lets a person say who has no image: the rail, the wire, the chip, the flash, the core.
LOOKED_AT = {
    "healthy": ("firmware-runs", "EXAMINED"),
    "half-on": ("start-erased", "EXAMINED"),
    "interrupted-program": ("half-written", "EXAMINED"),
    "bad-vectors": ("start-wrong", "EXAMINED"),
    "fault-loop": ("firmware-crashes", "EXAMINED"),
    "watchdog-loop": ("firmware-resets", "EXAMINED"),
    "swd-reused": ("firmware-hides", "EXAMINED"),
    "wrong-supply": ("supply-config", "EXAMINED"),
    "dead-crystal": ("waits-for-crystal", "NOT_FIRMWARE"),
    "boot0-strap": ("in-rom", "NOT_FIRMWARE"),
    "pcrop": ("start-closed", "LOCKED"),
    "rdp1": ("rdp1", "LOCKED"),
    "reset-loop": ("reset-loop", "NOT_FIRMWARE"),
    "short-3v3": ("short-3v3", "UNSAFE"),
    "no-supply": ("no-supply", "NOT_FIRMWARE"),
    "swapped-lines": ("swapped-swd", "CHECK_WIRES"),
    "backfeed": ("backfeed", "UNSAFE"),
    "other-family-h5": ("wrong-target", "WRONG_TARGET"),
}


def press(scenario: str, card: bytearray | None = None) -> DongleRun:
    return press_button(TwinRig(find(scenario), card), card)


def assert_untouched(run: DongleRun) -> None:
    assert (run.result.how, run.result.output) == (ENDED, "")
    assert run.flash_after == run.flash_before
    assert not run.result.left_powered
    assert {step["name"] for step in run.record["steps"]} <= {
        *("job", "sense", "energise", "rails", "connect", "evidence", "map", "diagnosis", "safe-off")
    }


@pytest.mark.parametrize("name", LOOKED_AT)
def test_a_press_without_a_card_says_what_can_be_said(name: str) -> None:
    run = press(name)
    assert_untouched(run)
    assert (run.record["diagnosis"]["cause"], run.record["outcome"]) == LOOKED_AT[name]
    assert run.record["job"] is None and run.record["plan"] is None
    assert unknown(run.record["evidence"]) == set(), WHAT_TO_DO
    assert "eras" not in run.record["next_step"].lower()


def test_what_firmware_it_seems_to_be_is_told() -> None:
    told = press("healthy").record["diagnosis"]["evidence"]
    assert "text at 0x08000400: BMSIMAGE1.2.0" in told
    assert any(line.startswith("what can start lies at 0x08000000") for line in told)


def test_a_bootloader_in_front_is_seen_beside_the_application() -> None:
    evidence = press("app-behind-bootloader").record["evidence"]
    assert len(evidence["firmware"]["starts"]) == 2


def test_the_record_is_kept_in_the_helper_and_the_display_says_so_much() -> None:
    run = press("half-on")
    assert run.record["record_saved"] and run.record["line_sha256"]
    assert [data["why"] for _, name, data in run.result.events if name == "no-job"] == ["no card"]
    assert len(run.result.panel.screens) > 2


def test_a_card_without_a_job_takes_the_record_and_nothing_else() -> None:
    card = make_image({"notes.txt": b"mine"})
    run = press("half-on", card)
    assert_untouched(run)
    assert run.record["outcome"] == "EXAMINED"
    files = read_files(card)
    lines = files.pop("records/records.jsonl").decode().splitlines()
    assert verify_chain(lines, "") == [] and json.loads(lines[-1])["outcome"] == "EXAMINED"
    assert files == {"notes.txt": b"mine"}


def test_diagnose_needs_no_image(bmsrescue: Run) -> None:
    with started_helper("half-on", card=make_image({})) as twin:
        before = twin.unit.chip.flash.snapshot()
        said = bmsrescue("diagnose", "--helper", twin.url)
        found: Any = bmsrescue("diagnose", "--json", "--helper", twin.url).json
        planned = bmsrescue("plan", "--json", "--helper", twin.url).json
        assert twin.unit.chip.flash.snapshot() == before
    assert said.status == 0
    assert "the unit is looked at, and nothing is changed" in said.out
    assert "nothing was changed" in said.out
    assert found["diagnosis"]["cause"] == "start-erased"
    assert planned["plan"] is None
