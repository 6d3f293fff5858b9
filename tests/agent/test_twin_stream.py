"""Writing at the flash's pace, on a real MicroPython: what runs ahead never runs ahead of safety."""

from __future__ import annotations

import json
import random
import struct
from typing import Any

from bmsrescue.card.build import describe_job
from bmsrescue.card.fat import make_image, read_files
from bmsrescue.image.contents import Segment
from bmsrescue.twin.board.unit import Unit
from bmsrescue.twin.chip.config import ChipConfig
from bmsrescue.twin.rig import TwinRig
from bmsrescue.twin.scenarios.scenario import Scenario
from bmsrescue.twin.scenarios.unit_programs import BUSY
from rescuelink.targets import FLASH_BASE

SECTOR = 0x2_0000
ENTRY = 0x200
TYPICAL = ChipConfig(flash_time_spread=0.0)
NS = 1_000_000_000


def image() -> bytes:
    """Two sectors and a bit, with a program that idles."""
    head = struct.pack("<II", 0x2001_0000, FLASH_BASE + ENTRY | 1)
    body = random.Random("stream").randbytes(2 * SECTOR + 4096)
    return head + body[len(head) : ENTRY] + BUSY + body[ENTRY + len(BUSY) :]


def full_of_something_else(unit: Unit) -> None:
    for sector in range(7):
        unit.chip.flash.blank(sector)
    unit.chip.flash.load(FLASH_BASE, random.Random("old").randbytes(3 * SECTOR))


def bench_of() -> tuple[TwinRig, bytearray]:
    card = make_image(describe_job("stream", "1", [Segment(FLASH_BASE, image())]))
    return TwinRig(Scenario("stream", "", "", full_of_something_else, "", "", TYPICAL), card), card


def record_of(bench: TwinRig) -> dict[str, Any]:
    result = bench.run()
    assert result.record is not None, result.output
    return result.record


def step_ms(record: dict[str, Any], name: str) -> int:
    return next(int(step["ms"]) for step in record["steps"] if step["name"] == name)


def test_every_erase_is_in_the_journal_before_it_begins_and_the_flash_hardly_waits() -> None:
    bench, card = bench_of()
    bank = bench.unit.chip.flash_controller.banks[0]
    start_erase = bank._start_erase
    named: list[tuple[int, set[int]]] = []

    def start(first: int, count: int, spans: Any) -> None:
        lines = next(data for name, data in read_files(card).items() if "journal" in name).decode().splitlines()
        named.append((first, {json.loads(line).get("sector") for line in lines}))
        start_erase(first, count, spans)

    bank._start_erase = start
    record = record_of(bench)
    assert record["outcome"] == "RECOVERED"
    assert [sector for sector, _ in named] == [0, 1, 2], "the sector with the vectors first"
    assert all(sector in sectors for sector, sectors in named)
    flash_alone_ms = 3 * 1000 + len(image()) // 32 * 0.1
    others_compared_ms = 5 * 65  # SHA-256 of the sectors that the job does not own: flash is idle for it
    assert step_ms(record, "act") < 1.2 * flash_alone_ms + others_compared_ms


def test_a_core_whose_stores_do_not_reach_the_flash_is_noticed_and_every_word_goes_over_the_wire() -> None:
    bench, _ = bench_of()
    shadow = bench.unit.chip.core._flash
    assert shadow is not None
    shadow._on_store = lambda _address, _size, _value: None
    record = record_of(bench)
    assert record["outcome"] == "RECOVERED"
    assert bench.unit.chip.flash.snapshot().startswith(image())
    assert record["verified"]["by_reading"] >= 1, "the first sector's digest was wrong, so it was read"
