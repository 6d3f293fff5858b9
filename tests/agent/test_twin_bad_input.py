"""Whatever is wrong with the card, the job or the wiring: a clear outcome, nothing erased, power off."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest

from bmsrescue.card.fat import make_image, read_files, write_files
from bmsrescue.twin.helper.block_device import CardFaults
from bmsrescue.twin.helper.helper import ENDED
from bmsrescue.twin.rig import TwinRig, default_card, default_card_files
from bmsrescue.twin.scenarios import find
from dongle_run import DongleRun, press_button
from fat_cards import exfat_boot_sector, ntfs_boot_sector, partition_table
from rescuelink.outcomes import exit_class

Document = dict[str, Any]


def press(card: bytearray | None, faults: CardFaults | None = None, scenario: str = "half-on") -> DongleRun:
    readable = None if faults or card is None or not card.startswith(b"\xeb") else card
    return press_button(TwinRig(find(scenario), card, faults=faults), readable)


def card_with(change: Callable[[Document], None]) -> bytearray:
    files = default_card_files()
    document = json.loads(files["job.json"])
    change(document)
    return make_image({**files, "job.json": json.dumps(document).encode()})


def assert_refused(run: DongleRun, *words: str) -> None:
    """Ended by itself with a reason and a next step; the flash as it was, the unit off."""
    assert run.result.how == ENDED, run.result.output
    assert exit_class(run.record["outcome"]) == 1
    assert run.flash_after == run.flash_before
    assert not run.result.left_powered
    said = json.dumps([run.record["sentence"], run.record["diagnosis"]]).lower()
    for word in words:
        assert word in said, said
    assert run.record["next_step"]


def assert_refused_unpowered(run: DongleRun, *words: str) -> None:
    """As `assert_refused`, by the helper's or the job's fault, before the unit saw any power."""
    assert_refused(run, *words)
    assert run.record["outcome"] == "TOOL_ERROR"
    assert run.result.power_ons == 0


def test_a_card_that_cannot_be_read() -> None:
    assert_refused_unpowered(press(default_card(), CardFaults(unreadable=True)), "card cannot be read")


@pytest.mark.parametrize("content", [bytes(4 << 20), b"\xff" * (4 << 20)], ids=["zeros", "ones"])
def test_a_card_without_a_file_system(content: bytes) -> None:
    assert_refused_unpowered(press(bytearray(content)), "no fat file system on the card", "format it as fat32")


def test_a_card_without_a_block() -> None:
    assert_refused_unpowered(press(bytearray()), "card cannot be read")


@pytest.mark.parametrize(
    ("boot", "words"),
    [
        (exfat_boot_sector(), "formatted as exfat"),
        (ntfs_boot_sector(), "formatted as ntfs"),
        (partition_table((0xEE, 1, 0xFFFF_FFFF)), "gpt partition table"),
    ],
    ids=["exfat", "ntfs", "gpt"],
)
def test_a_card_that_is_formatted_otherwise_is_named_with_what_to_do(boot: bytes, words: str) -> None:
    run = press_button(TwinRig(find("half-on"), bytearray(boot.ljust(4 << 20, b"\x00"))), None)
    assert_refused_unpowered(run, words, "format it as fat32 with an mbr, 512-byte sectors")
    assert run.record["error"]["kind"] == "unreadable"


def test_a_job_in_a_second_partition_is_found_and_the_disk_stays_as_it_is() -> None:
    first = 4096
    card = bytearray(partition_table((0x83, 2048, 2048), (0x0C, first, 1 << 16)).ljust(first * 512, b"\xa5"))
    card += default_card()
    front = bytes(card[: first * 512])
    run = press_button(TwinRig(find("half-on"), card), card)
    assert run.record["outcome"] == "RECOVERED"
    assert run.card["records/records.jsonl"]
    assert card[: first * 512] == front


def test_a_full_card_stops_before_anything_is_erased() -> None:
    files = default_card_files()
    size = 4 << 20
    card = make_image({**files, "filler": bytes(size - sum(map(len, files.values())) - 400 * 1024)}, size=size)
    run = press(card)
    assert_refused(run, "full")
    assert run.record["outcome"] == "TOOL_ERROR"


def test_a_card_pulled_during_the_backup_stops_before_anything_is_erased() -> None:
    run = press(default_card(), CardFaults(pull_at_write=100))
    assert_refused(run)
    assert run.record["outcome"] == "TOOL_ERROR"


@pytest.mark.parametrize("text", ["", "{", "[1, 2]", "null", "nonsense", "\xff\xfe"])
def test_a_job_that_is_not_the_json_of_a_job(text: str) -> None:
    assert_refused_unpowered(press(make_image({**default_card_files(), "job.json": text.encode("latin-1")})), "job")


def _far_too_long(document: Document) -> None:
    document["image"]["segments"][0]["length"] = 2 << 20


def _misaligned(document: Document) -> None:
    document["image"]["segments"][0]["address"] = "0x08000010"


def _overlapping(document: Document) -> None:
    document["image"]["segments"].append(dict(document["image"]["segments"][0]))


def _outside(document: Document) -> None:
    document["image"]["segments"][0]["address"] = "0x20000000"


def _no_vectors(document: Document) -> None:
    document["image"]["segments"][0]["address"] = "0x08020000"


def _other_family(document: Document) -> None:
    document["target"]["chip"] = "STM32F407"


def _other_id(document: Document) -> None:
    document["target"]["dev_id"] = "0x450"


def _unknown_key(document: Document) -> None:
    document["policy"]["erase_everything"] = True


def _no_image(document: Document) -> None:
    document["image"]["file"] = "other.bin"


def _other_hash(document: Document) -> None:
    document["image"]["sha256"] = "0" * 64


def _other_segment_hash(document: Document) -> None:
    document["image"]["segments"][0]["sha256"] = "0" * 64


def _rails_out_of_order(document: Document) -> None:
    document["limits"] = {"rails": {"v3v3": {"low_mv": 3500, "high_mv": 3400}}}


def _calibration_in_the_image(document: Document) -> None:
    document["policy"]["preserve"] = [{"name": "calibration", "address": "0x08000100", "length": 32}]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_far_too_long, "outside the flash"),
        (_misaligned, "multiple of 32"),
        (_overlapping, "overlap"),
        (_outside, "outside the flash"),
        (_no_vectors, "vector table"),
        (_other_family, "target.chip"),
        (_other_id, "target.dev_id"),
        (_unknown_key, "policy.erase_everything: is not known"),
        (_no_image, "other.bin is missing"),
        (_other_hash, "sha-256"),
        (_other_segment_hash, "sha-256"),
        (_rails_out_of_order, "limits are out of order"),
        (_calibration_in_the_image, "policy.preserve"),
    ],
    ids=lambda value: value.__name__.strip("_") if callable(value) else "",
)
def test_a_job_that_cannot_work_is_refused_by_name(change: Callable[[Document], None], words: str) -> None:
    assert_refused_unpowered(press(card_with(change)), words)


def test_an_image_without_a_vector_table() -> None:
    files = default_card_files()
    document = json.loads(files["job.json"])
    name = document["image"]["file"]
    data = bytes(8) + files[name][8:]
    digest = hashlib.sha256(data).hexdigest()
    document["image"]["sha256"] = document["image"]["segments"][0]["sha256"] = digest
    card = make_image({"job.json": json.dumps(document).encode(), name: data})
    assert_refused_unpowered(press(card), "no vector table")


def test_a_cut_image() -> None:
    files = default_card_files()
    name = json.loads(files["job.json"])["image"]["file"]
    assert_refused_unpowered(press(make_image({**files, name: files[name][:1000]})), name.lower(), "bytes")


def test_a_refused_job_is_recorded_on_the_card_after_older_records() -> None:
    card = card_with(_misaligned)
    press(card)
    run = press(card)
    assert len(run.card["records/records.jsonl"].splitlines()) == 2
    assert run.record["sequence"] == 2


def test_nothing_else_on_the_card_is_touched() -> None:
    card = default_card()
    others = {"holiday.jpg": bytes(range(256)) * 100, "backups/older.bin": b"keep me"}
    write_files(card, others)
    press(card)
    assert {name: read_files(card)[name] for name in others} == others
