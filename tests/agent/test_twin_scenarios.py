"""Every broken unit of the twin, rescued or rightly left alone by the agent on a real MicroPython: one button press."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bmsrescue.cli.twin.catalogue import rows_in
from bmsrescue.twin.helper.helper import ENDED
from bmsrescue.twin.scenarios import all_scenarios, find
from dongle_run import DongleRun
from evidence_keys import WHAT_TO_DO, unknown
from must_end_as import row_of, told
from rescuelink.chain import verify_chain
from rescuelink.outcomes import RECOVERED, RECOVERED_CHECK_CONFIG

DOCUMENT = Path(__file__).parents[2] / "docs" / "catalogue.md"
SECTOR = 128 * 1024
HEAP_TO_SPARE_KIB = 86  # of 288: 80 KiB and more on a board
ERASES_ALL = "rdp-regression"
KEYS = {
    "diagnosis",
    "outcome",
    "evidence",
    "steps",
    "rails",
    "sectors",
    "backup",
    "swclk_cycles",
    "virtual_ms",
    "heap_free_min",
}
RESET_BY_US = {"supervisor-500ms", "slow-nrst", "keys-flipped", "wrong-supply-boot0", "torn-calibration"}
NAMES = [scenario.name for scenario in all_scenarios()]
RunOf = Callable[[str], DongleRun]

pytestmark = pytest.mark.parametrize("name", NAMES)


def changed_sectors(run: DongleRun) -> list[int]:
    return [n for n in range(8) if run.flash_before[n * SECTOR :][:SECTOR] != run.flash_after[n * SECTOR :][:SECTOR]]


def test_it_ends_with_the_diagnosis_and_the_outcome_that_fit(name: str, scenario_run: RunOf) -> None:
    run = scenario_run(name)
    assert (run.result.how, run.result.output) == (ENDED, "")
    assert (run.record["diagnosis"]["cause"], run.record["outcome"]) == (
        find(name).expected_diagnosis,
        find(name).expected_outcome,
    )


def test_a_person_is_told_what_it_is_and_no_more_is_done_than_the_row_allows(name: str, scenario_run: RunOf) -> None:
    run = scenario_run(name)
    row = row_of(name)
    for words in row.words:
        assert words in told(run)
    row.check(run)


def test_the_agent_itself_leaves_the_unit_switched_off(name: str, scenario_run: RunOf) -> None:
    run = scenario_run(name)
    assert not run.result.left_powered
    assert run.record["steps"][-1]["name"] == "safe-off"


def test_it_is_diagnosed_within_ten_seconds_and_examined_within_three(name: str, scenario_run: RunOf) -> None:
    record = scenario_run(name).record
    assert record["diagnosis_ms"] < 10_000
    swd = record["evidence"].get("swd") or {}
    if swd.get("how"):
        # Reaching a chip that hides may take power cycles; looking at it once it answers does not.
        connecting = sum(step["ms"] for step in record["steps"] if step["name"] == "connect")
        # A loop that may count is watched for six seconds (docs/reference/unit.md#loops).
        watched = ((record["evidence"].get("core") or {}).get("activity") or {}).get("ms") or 0
        patience = watched if watched >= 6_000 else 0
        # One that may be called good is watched for resets for 6.5 (docs/reference/unit.md#seldom-reset).
        watched = (record["evidence"].get("nrst") or {}).get("window_ms") or 0
        patience += watched if watched >= 6_000 else 0
        # A watchdog whose period the option bytes set is watched for that long; a held latch is a second power-on.
        assert record["evidence_ms"] - connecting - patience < 3_500


def test_each_key_of_its_evidence_is_judged_or_told(name: str, scenario_run: RunOf) -> None:
    left = unknown(scenario_run(name).record["evidence"])
    assert left == set(), f"{sorted(left)} {WHAT_TO_DO}"


def test_resets_of_our_own_are_nobody_elses(name: str, scenario_run: RunOf) -> None:
    assert set(NAMES) > RESET_BY_US
    if name in RESET_BY_US:
        assert "later" not in scenario_run(name).record["evidence"]["nrst"]


def test_only_sectors_of_the_image_or_of_the_consent_change(name: str, scenario_run: RunOf) -> None:
    run = scenario_run(name)
    owned = [sector["index"] for sector in run.record["evidence"].get("sectors") or [] if sector["owned"]]
    consented = [int(word[7:]) for word in find(name).consent if word.startswith("sector:")]
    if ERASES_ALL in find(name).consent:
        consented = list(range(8))
    if "update-flag" in find(name).consent:
        flag = json.loads(run.card["job.json"])["bootloader"]["flag"]["address"]
        consented.append((int(flag, 0) - 0x0800_0000) // SECTOR)
    assert set(changed_sectors(run)) <= {*owned, *consented}
    assert 7 not in changed_sectors(run) or 7 in consented
    if "act" not in [step["name"] for step in run.record["steps"]]:
        assert run.flash_after == run.flash_before


def test_readable_words_of_a_sector_rewritten_by_consent_survive(name: str, scenario_run: RunOf) -> None:
    run = scenario_run(name)
    torn = {address for sector in run.record["evidence"].get("sectors") or [] for address in sector["torn"]}
    consented = [int(word[7:]) for word in find(name).consent if word.startswith("sector:")]
    for at in (at for sector in consented for at in range(sector * SECTOR, (sector + 1) * SECTOR, 32)):
        if 0x0800_0000 + at not in torn:
            assert run.flash_after[at : at + 32] == run.flash_before[at : at + 32]


def test_what_was_changed_had_been_backed_up(name: str, scenario_run: RunOf) -> None:
    run = scenario_run(name)
    if not changed_sectors(run) or ERASES_ALL in find(name).consent:  # what is protected cannot be read first
        return
    [kept] = run.backups
    torn = {address for sector in run.record["evidence"]["sectors"] for address in sector["torn"]}
    protected = {s["index"] for s in run.record["evidence"]["sectors"] if s["state"] == "protected"}
    for address in range(0x0800_0000, 0x0810_0000, 32):
        at = address - 0x0800_0000
        if address not in torn and at // SECTOR not in protected:  # nobody can read those, and nobody changes them
            assert kept[at : at + 32] == run.flash_before[at : at + 32]


def test_a_recovered_unit_holds_the_image_word_for_word(name: str, scenario_run: RunOf) -> None:
    run = scenario_run(name)
    if run.record["outcome"] not in (RECOVERED, RECOVERED_CHECK_CONFIG):
        return
    job = json.loads(run.card["job.json"])
    for segment in job["image"]["segments"]:
        start = int(segment["address"], 0) - 0x0800_0000
        wanted = run.card[job["image"]["file"]][segment["offset"] :][: segment["length"]]
        assert run.flash_after[start : start + segment["length"]] == wanted
    assert not any(run.bench.unit.chip.flash.is_torn(address) for address in range(0x0800_0000, 0x0810_0000, 32))
    assert run.result.power_ons >= 2


def test_the_wire_breaks_no_rule_of_the_protocol(name: str, scenario_run: RunOf) -> None:
    run = scenario_run(name)
    faults = run.bench.unit.faults
    # Noise, a chip without supply, and wires that are off at times, break them for us.
    if not (faults.swd_bit_error_rate or faults.swd_extra_clock_rate or faults.swd_off_in_reset) and not (
        faults.dip or faults.contact_loss
    ):
        assert run.bench.unit.chip.counters.violations == []


def test_the_agent_leaves_room_on_a_small_board(name: str, scenario_run: RunOf) -> None:
    assert scenario_run(name).record["heap_free_min"] >= HEAP_TO_SPARE_KIB * 1024


def test_the_record_is_on_the_card_sealed_and_complete(name: str, scenario_run: RunOf) -> None:
    run = scenario_run(name)
    lines = run.card["records/records.jsonl"].decode().splitlines()
    assert verify_chain(lines, "") == []
    stored = json.loads(lines[-1])
    assert stored["outcome"] == run.record["outcome"]
    assert set(stored) >= KEYS
    assert {"name", "ms", "outcome"} <= set(stored["steps"][0])


def test_the_table_of_the_documentation_says_the_same(name: str, scenario_run: RunOf) -> None:
    run = scenario_run(name)
    row = rows_in(DOCUMENT.read_text(encoding="utf-8")).get(name)
    assert row is not None, f"run: bmsrescue twin catalogue --write docs/catalogue.md --only {name}"
    assert row == (run.record["diagnosis"]["cause"], run.record["outcome"])
