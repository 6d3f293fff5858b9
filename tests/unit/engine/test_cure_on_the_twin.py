"""What a cure must never do wrong, on the twin with a real MicroPython: lose a unit's own data, or forget a cut."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from bmsrescue.card.fat import make_image, read_files
from bmsrescue.twin.board.unit import Unit
from bmsrescue.twin.helper.block_device import CardFaults
from bmsrescue.twin.helper.helper import ENDED, POWER_CUT
from bmsrescue.twin.helper.panel import Press
from bmsrescue.twin.rig import TwinRig, default_card_files
from bmsrescue.twin.scenarios import find
from bmsrescue.twin.scenarios.scenario import Scenario
from rescuelink.chain import verify_chain

CALIBRATION = 0x080E0000
CALIBRATION_OFFSET = CALIBRATION - 0x08000000
SERIAL = 0x0805F000
SERIAL_OFFSET = SERIAL - 0x08000000
SERIAL_TEXT = b"SERIAL-0123456789-ABCDEFGHIJKLMN"
JOURNALLED_WRITE = 525
"""A card write of half-on's run that lies between two sectors of the act."""


def bench_of(
    breaks: Callable[[Unit], None], faults: CardFaults | None = None, **policy: object
) -> tuple[TwinRig, bytearray]:
    files = default_card_files()
    job = json.loads(files["job.json"])
    job["policy"].update(policy)
    card = make_image({**files, "job.json": json.dumps(job).encode()})
    scenario = Scenario("special", "a unit of this test", "", breaks, "", "")
    return TwinRig(scenario, card, faults=faults), card


def record_of(bench: TwinRig) -> dict[str, Any]:
    result = bench.run()
    assert (result.how, result.output) == (ENDED, "")
    assert not result.left_powered
    record = result.record
    assert record is not None
    return record


def tear_the_calibration(unit: Unit) -> None:
    unit.chip.flash.tear(CALIBRATION + 0x400)


def tear_beside_the_serial(unit: Unit) -> None:
    unit.chip.flash.load(SERIAL, SERIAL_TEXT)
    unit.chip.flash.tear(0x08041000)


def test_torn_calibration_is_named_and_left_alone_without_consent() -> None:
    bench, _ = bench_of(tear_the_calibration)
    before = bench.unit.chip.flash.snapshot()
    record = record_of(bench)
    assert (record["diagnosis"]["cause"], record["outcome"]) == ("torn-data", "LOCKED")
    assert bench.unit.chip.flash.snapshot() == before


def test_with_consent_the_readable_words_of_the_calibration_survive() -> None:
    bench, _ = bench_of(tear_the_calibration, consent=["sector:7"])
    before = bench.unit.chip.flash.snapshot()
    record = record_of(bench)
    after = bench.unit.chip.flash.snapshot()
    assert record["outcome"] == "RECOVERED_CHECK_CONFIG"
    assert after[CALIBRATION_OFFSET : CALIBRATION_OFFSET + 0x400] == before[CALIBRATION_OFFSET:][:0x400]
    assert not bench.unit.chip.flash.is_torn(CALIBRATION + 0x400)


def test_a_preserved_region_inside_an_erased_sector_is_written_back() -> None:
    region = {"name": "serial", "address": SERIAL, "length": len(SERIAL_TEXT)}
    bench, _ = bench_of(tear_beside_the_serial, preserve=[region])
    record = record_of(bench)
    assert record["outcome"] == "RECOVERED"
    assert bench.unit.chip.flash.snapshot()[SERIAL_OFFSET:].startswith(SERIAL_TEXT)


def test_a_helper_cut_in_the_act_goes_on_where_it_stopped() -> None:
    faults = CardFaults(cut_at_write=JOURNALLED_WRITE)
    bench, card = bench_of(find("half-on").breaks, faults)
    assert bench.run().how == POWER_CUT
    faults.cut_at_write = None
    record = record_of(bench)
    assert record["outcome"] == "RECOVERED"
    assert "cut after" in record["resumed"]["line"]
    assert len(record["plan"]) < 5, "what was done before the cut is not done again"
    assert not [name for name in read_files(card) if "journal" in name]


def test_holding_the_button_before_the_first_erase_stops_the_job() -> None:
    bench, _ = bench_of(find("half-on").breaks)
    bench.helper._presses = (Press(), Press(after_ms=900, duration_ms=6_000))
    before = bench.unit.chip.flash.snapshot()
    record = record_of(bench)
    assert record["outcome"] == "ABORTED"
    assert bench.unit.chip.flash.snapshot() == before


def test_records_of_several_runs_are_one_chain_on_the_card() -> None:
    bench, card = bench_of(lambda unit: None)
    first, second = record_of(bench), record_of(bench)
    lines = read_files(card)["records/records.jsonl"].decode().splitlines()
    assert [json.loads(line)["sequence"] for line in lines] == [first["sequence"], second["sequence"]]
    assert verify_chain(lines, "") == []


def test_bits_flipping_on_the_wire_never_make_a_healthy_sector_look_wrong() -> None:
    bench, _ = bench_of(lambda unit: unit.break_board(swd_bit_error_rate=2e-5))
    before = bench.unit.chip.flash.snapshot()
    record = record_of(bench)
    assert record["outcome"] == "NO_FAULT_FOUND"
    assert any(attempt["how"] == "slower" for attempt in record["evidence"]["swd"]["tries"])
    assert bench.unit.chip.flash.snapshot() == before
