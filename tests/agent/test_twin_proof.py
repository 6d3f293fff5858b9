"""The proof after a cure: what a job may ask for, the latch, and that nothing of the helper is left behind."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bmsrescue.card.fat import make_image, read_files
from bmsrescue.twin.firmware import ALIVE_ADDRESS, MAILBOX_ADDRESS, MAILBOX_MAGIC, PINS
from bmsrescue.twin.rig import TwinRig, card_for
from bmsrescue.twin.scenarios import find

SCENARIO = find("bad-vectors")
SETTLE_NS = 1_000_000_000


def cured(**changes: dict[str, Any]) -> tuple[TwinRig, dict[str, Any]]:
    """One press on a unit whose first sector has to be written, with keys of the job changed."""
    files = read_files(card_for(SCENARIO))
    job = json.loads(files["job.json"])
    for key, value in changes.items():
        job.setdefault(key, {}).update(value)
    bench = TwinRig(SCENARIO, make_image({**files, "job.json": json.dumps(job).encode()}))
    record = bench.run().record
    assert record is not None
    return bench, record


@pytest.mark.parametrize(
    ("proof", "line"),
    [
        ({"rule": "mailbox", "mailbox": {"address": ALIVE_ADDRESS}}, "the word at 0x2001ffe4 goes from"),
        (
            {"rule": "mailbox", "mailbox": {"address": MAILBOX_ADDRESS, "value": MAILBOX_MAGIC}},
            "the word at 0x2001ffe0 reads 0x41534d42",
        ),
        ({"rule": "pin", "pin": {"pin": PINS["led_run"], "level": "toggles"}, "window_ms": 800}, "PE2 toggles"),
        ({"rule": "pin", "pin": {"pin": PINS["latch"], "level": "high"}}, "PB5 is high"),
    ],
)
def test_the_firmware_shows_what_the_job_asks_for(proof: dict[str, object], line: str) -> None:
    _, record = cured(proof=proof)
    assert (record["outcome"], record["proof"]["rule"]) == ("RECOVERED", proof["rule"])
    assert any(text.startswith(line) for text in record["proof"]["lines"]), record["proof"]["lines"]


@pytest.mark.parametrize(
    ("proof", "reason"),
    [
        ({"rule": "mailbox", "mailbox": {"address": MAILBOX_ADDRESS}}, "stays at 0x41534d42"),
        ({"rule": "mailbox", "mailbox": {"address": ALIVE_ADDRESS, "mask": 0xF0000000, "value": 1 << 28}}, "not 0x1"),
        ({"rule": "pin", "pin": {"pin": PINS["led_fault"], "level": "high"}}, "PE3 is low"),
        ({"min_clock_hz": 500_000_000}, "the job asks for 500000000"),
    ],
)
def test_a_unit_that_does_not_show_it_is_not_recovered(proof: dict[str, object], reason: str) -> None:
    _, record = cured(proof={**proof, "timeout_ms": 300})
    assert (record["outcome"], record["proof"]["passed"]) == ("NOT_FIRMWARE", False)
    assert reason in record["sentence"]


def test_a_rail_outside_its_window_fails_the_proof() -> None:
    _, record = cured(proof={"timeout_ms": 300}, limits={"rails": {"v12": {"low_mv": 12_500}}})
    assert record["outcome"] != "RECOVERED"


def test_nothing_of_the_helper_is_left_on_a_recovered_unit() -> None:
    bench, record = cured()
    assert record["outcome"] == "RECOVERED"
    assert record["proof"]["lines"][-1] == "debug enables taken back, power removed once more"
    unit = bench.unit
    unit.set_power(True)
    unit.clock.advance(SETTLE_NS)
    bus = unit.chip.bus
    debug = {name: bus.read(address, 4) for name, address in (("DEMCR", 0xE000EDFC), ("DBGMCU_CR", 0x5C001004))}
    assert debug == {"DEMCR": 0, "DBGMCU_CR": 0}
    assert not bus.read(0xE000EDF0, 4) & 1, "C_DEBUGEN"
    assert unit.chip.core.frequency_hz == 400_000_000


def test_a_cured_unit_whose_latch_is_shorted_is_named_with_its_firmware() -> None:
    card = card_for(SCENARIO)
    bench = TwinRig(SCENARIO, card)
    bench.unit.break_board(latch_shorted=True)
    record: Any = bench.run().record
    assert (record["diagnosis"]["cause"], record["outcome"]) == ("latch-shorted", "NOT_FIRMWARE")
    assert "The firmware is in order" in record["diagnosis"]["sentence"]
    assert "before the cure: The vector table is damaged" in record["diagnosis"]["evidence"][-1]
    assert record["proof"]["passed"]


def test_a_minutes_watch_finds_an_afe_that_switches_a_silent_unit_off() -> None:
    scenario = find("half-on")
    files = read_files(card_for(scenario))
    job = json.loads(files["job.json"])
    job["limits"] = {"watch_s": 60}
    card = make_image({**files, "job.json": json.dumps(job).encode()})
    bench = TwinRig(scenario, card)
    bench.unit.break_board(afe_watchdog_ms=31_000.0)
    record: Any = bench.run().record
    watch = record["evidence"]["watch"]
    assert watch["dropped"] == {"rail": "v3v3", "s": 31}
    assert watch["rails"]["v3v3"][0] < 1650 < 3200 < watch["rails"]["v3v3"][1]
    assert (record["diagnosis"]["cause"], record["outcome"]) == ("update-cut", "RECOVERED")
