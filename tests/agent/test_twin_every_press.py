"""Whatever becomes of a press, the helper keeps its outcome, step and reason, and a host can read them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from littlefs import LittleFS

from bmsrescue.card.fat import make_image, read_files, volume_of, write_files
from bmsrescue.twin.helper.block_device import FLASH_BLOCK_BYTES, FLASH_BLOCKS, CardFaults
from bmsrescue.twin.helper.helper import CRASHED, ENDED, RunResult
from bmsrescue.twin.rig import TwinRig, card_for, default_card_files
from bmsrescue.twin.scenarios import find
from link_twin import Host, WatchedTwin
from rescuelink.chain import verify_chain
from rescuelink.outcomes import OUTCOMES

OWN_FAULT = Path(__file__).with_name("scripts") / "own_fault.py"
SCENARIO = find("half-on")
TOO_SMALL_TO_WAIT_KIB = 124  # with 64-bit words; a Pico has twice that, with half as large ones


def kept(flash: bytearray) -> list[dict[str, Any]]:
    """The records in a helper's own flash, read by littlefs itself."""
    store = LittleFS(block_size=FLASH_BLOCK_BYTES, block_count=FLASH_BLOCKS, mount=False)
    store.context.buffer = bytearray(flash)
    store.mount()
    if "records.jsonl" not in store.listdir("/"):
        return []
    with store.open("/records.jsonl", "rb") as file:
        lines = file.read().decode().splitlines()
    assert not verify_chain(lines)
    return [json.loads(line) for line in lines]


def assert_kept(bench: TwinRig, result: RunResult, *outcomes: str) -> dict[str, Any]:
    """One record in the helper, of this outcome, with step and reason; the unit's power is off."""
    assert not result.left_powered
    (record,) = kept(bench.helper.flash)
    assert record["outcome"] in (outcomes or OUTCOMES)
    assert record["error"]["phase"]
    assert record["error"]["message"] in record["sentence"] or record["sentence"]
    assert record["next_step"]
    return record


def bench_with(card: bytearray | None, faults: CardFaults | None = None, heap_kib: int | None = None) -> TwinRig:
    bench = TwinRig(SCENARIO, card, faults=faults)
    if heap_kib is not None:
        bench.helper._heap_kib = heap_kib
    return bench


@pytest.mark.parametrize("heap_kib", [116, 118, 120, 122, 124, 128, 132, 136, 144, 160, 180, 186])
def test_a_heap_that_runs_out_anywhere(heap_kib: int) -> None:
    card = card_for(SCENARIO)
    bench = bench_with(card, heap_kib=heap_kib)
    result = bench.run()
    if result.how == CRASHED and result.record is None:
        # There was no room even for the shortest record: a board's watchdog starts it anew.
        assert not result.left_powered
        if not result.events:
            # Not even for the idle screen: no press was taken.
            assert heap_kib <= TOO_SMALL_TO_WAIT_KIB
            assert not kept(bench.helper.flash)
            return
        bench.helper._heap_kib = 288
        result = bench.run()
        assert result.how == ENDED
    record = assert_kept(bench, result, "TOOL_ERROR", "INTERRUPTED")
    assert record["error"]["kind"] == "memory"
    assert result.record is not None and result.record["sequence"] == record["sequence"] == 1


def test_a_host_reads_what_the_heap_had_no_room_to_record(tmp_path: Path) -> None:
    bench = bench_with(card_for(SCENARIO), heap_kib=128)
    assert bench.run().how == CRASHED
    twin = WatchedTwin("half-on", card_for(SCENARIO))
    twin.helper.flash[:] = bench.helper.flash
    with twin, Host(twin.url) as host:
        size = host.call("records.sizes")["helper"]
        line = bytes(host.call("records.read", "helper", 0))
    assert len(line) == size
    record = json.loads(line)
    assert (record["outcome"], record["error"]["kind"], record["error"]["phase"]) == ("TOOL_ERROR", "memory", "job")


FAULTS = [
    ("rescue.engine.job.step", "load_job", "TypeError"),
    ("rescue.engine.survey.step", "survey", "KeyError"),
    ("rescue.engine.backup.step", "keep", "MemoryError"),
    ("rescue.engine.act.step", "act", "TypeError"),
    ("rescue.engine.record.spill", "put", "MemoryError"),
    ("rescue.engine.record.spill", "take", "MemoryError"),
    ("rescue.engine.record.step", "end", "KeyError"),
    ("rescue.engine.record.step", "end", "MemoryError"),
]


@pytest.mark.parametrize(("module", "function", "kind"), FAULTS, ids=lambda value: value.rpartition(".")[2])
def test_a_fault_of_our_own(module: str, function: str, kind: str) -> None:
    card = card_for(SCENARIO)
    bench = bench_with(card)
    result = bench.helper.run(OWN_FAULT, {"fault": [module, function, kind]})
    assert result.how == ENDED, result.output
    record = assert_kept(bench, result, "TOOL_ERROR", "INTERRUPTED")
    assert record["error"]["kind"] == ("memory" if kind == "MemoryError" else "tool")
    assert kind in record["sentence"]
    if module != "rescue.engine.job.step":  # which mounts the card
        assert json.loads(read_files(card)["records/records.jsonl"])["outcome"] == record["outcome"]


def fill(card: bytearray, free: int) -> None:
    """Leave so many clusters free."""
    volume = volume_of(card)
    assert volume.bits == 12
    table = card[volume.fat_first * 512 : (volume.fat_first + volume.fat_blocks) * 512]
    pairs = int.from_bytes(table, "little")
    empty = sum((pairs >> 12 * cluster) & 0xFFF == 0 for cluster in range(2, volume.clusters + 2))
    write_files(card, {"filler": bytes((empty - free) * volume.cluster_blocks * 512)})


@pytest.mark.parametrize("free", [0, 1, 3, 8, 64, 200], ids=lambda clusters: f"{clusters}-clusters")
def test_a_card_that_is_full(free: int) -> None:
    card = make_image(default_card_files(), 4 << 20)
    fill(card, free)
    bench = bench_with(card)
    result = bench.run()
    assert result.how == ENDED, result.output
    record = assert_kept(bench, result, "TOOL_ERROR")
    assert record["error"]["kind"] == "full"
    assert "free some space" in record["next_step"]
    assert record["record_saved"] == (free >= 8)
    assert bench.unit.chip.flash.snapshot() == TwinRig(SCENARIO, None).unit.chip.flash.snapshot()


@pytest.mark.parametrize("write", [0, 1, 5, 100, 200, 431, 448, 516, 525, 533])
def test_a_card_that_is_pulled(write: int) -> None:
    bench = bench_with(card_for(SCENARIO), CardFaults(pull_at_write=write))
    result = bench.run()
    assert result.how == ENDED, result.output
    (record,) = kept(bench.helper.flash)
    assert not record["record_saved"]
    if record["error"] is None:
        # The work was done all the same: what is lost is the card's copy of the record.
        assert record["outcome"] == "TOOL_ERROR"
        assert record["unit_outcome"] == "RECOVERED"
        assert "The record could not be saved on the card" in record["sentence"]
    else:
        assert record["error"]["kind"] == "io"
        # Before the first erase the unit is as it was; after it the next press goes on.
        assert (record["error"]["phase"], record["outcome"]) in {("backup", "TOOL_ERROR"), ("act", "INTERRUPTED")}
