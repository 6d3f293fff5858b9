"""Names on a card are as FAT has them: no capitals are told apart, and no file of a person's is lost to that."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bmsrescue.card.build import build_files, fat_name
from bmsrescue.card.check import check_image, read_job
from bmsrescue.card.fat import make_image, read_files, write_files
from bmsrescue.card.storage import CardStorageError, load_card, save_card
from bmsrescue.errors import HostError
from rescuelink.errors import JobError
from rescuelink.job import validate

VECTORS = bytes.fromhex("0000022041000008")


def job_files(tmp_path: Path, name: str = "unit.bin") -> dict[str, bytes]:
    (tmp_path / name).write_bytes(VECTORS + bytes(256))
    return build_files(tmp_path / name).files


def test_a_job_in_capitals_is_found_as_the_dongle_finds_it(tmp_path: Path) -> None:
    files = {name.upper(): data for name, data in job_files(tmp_path).items()}
    job, _document = read_job(files)
    check_image(job, files)


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("ger\u00e4t.bin", "gerat.bin"),
        ("bms:1.2.bin", "bms_1.2.bin"),
        ("v" * 70 + ".bin", "v" * 60 + ".bin"),
        ("\u7535\u6c60.bin", "image.bin"),
        ("..hidden.bin", "hidden.bin"),
        ("bms 1.2 (final).bin", "bms 1.2 _final_.bin"),
    ],
)
def test_an_image_gets_a_name_that_every_card_takes_and_a_note_says_so(tmp_path: Path, name: str, safe: str) -> None:
    (tmp_path / name).write_bytes(VECTORS + bytes(256))
    built = build_files(tmp_path / name)
    assert set(built.files) == {"job.json", safe}
    assert read_files(make_image(built.files)) == built.files
    assert any(safe in note for note in built.notes)
    assert fat_name(safe.removesuffix(".bin")) == safe.removesuffix(".bin")


def test_a_folder_with_two_names_that_a_card_takes_for_one_is_refused_and_loses_nothing(tmp_path: Path) -> None:
    (tmp_path / "NOTES.TXT").write_bytes(b"A")
    (tmp_path / "notes.txt").write_bytes(b"B")
    with pytest.raises(CardStorageError, match=r"NOTES\.TXT and notes\.txt"):
        load_card(tmp_path)
    with pytest.raises(CardStorageError):
        save_card(tmp_path, make_image({"notes.txt": b"C"}))
    assert (tmp_path / "NOTES.TXT").read_bytes() + (tmp_path / "notes.txt").read_bytes() == b"AB"


def test_a_run_that_gives_names_back_in_capitals_takes_no_file_away(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_bytes(b"kept")
    image = load_card(tmp_path)
    assert image is not None
    image[:] = make_image({"NOTES.TXT": b"kept"})
    write_files(image, {"RECORDS/RECORDS.JSONL": b"{}\n"})
    assert save_card(tmp_path, image) == ["RECORDS/RECORDS.JSONL"]
    assert (tmp_path / "notes.txt").read_bytes() == b"kept"


def test_an_image_that_fills_the_whole_flash_has_to_be_meant(tmp_path: Path) -> None:
    whole = VECTORS + bytes(range(1, 256)) * 4112
    (tmp_path / "dump.bin").write_bytes(whole[: 1 << 20])
    with pytest.raises(HostError) as refused:
        build_files(tmp_path / "dump.bin")
    assert "calibration" in refused.value.message
    assert "--whole-flash" in refused.value.next_step


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"policy": {"consent": ["sector:07"]}}, "sector:07"),
        ({"limits": {"supply_ma": 300, "trip_ma": 150}}, "150 mA is below supply_ma, 300 mA"),
        ({"proof": {"min_clock_hz": 550}}, "is 550 Hz"),
        (
            {"bootloader": {"address": "0x08000000", "length": "0x20000", "flag": {"address": "0x080A0000", "set": 1}}},
            "lies in the image",
        ),
        (
            {
                "policy": {
                    "preserve": [{"name": f"r{n}", "address": 0x080E0000 + 32 * n, "length": 32} for n in range(40)]
                }
            },
            "has 40 entries",
        ),
    ],
)
def test_a_job_that_cannot_be_meant_is_refused(tmp_path: Path, change: dict[str, object], says: str) -> None:
    document = json.loads(job_files(tmp_path)["job.json"])
    with pytest.raises(JobError) as refused:
        validate({**document, **change})
    assert says in refused.value.message
    assert refused.value.next_step


def test_many_small_parts_become_what_a_helper_holds(tmp_path: Path) -> None:
    from intelhex import IntelHex

    image = IntelHex()
    image.frombytes(VECTORS + bytes(256), offset=0x0800_0000)
    for number in range(30):
        image.frombytes(bytes([number]) * 32, offset=0x0801_0000 + 96 * number)
    image.write_hex_file(str(tmp_path / "gaps.hex"))
    files = build_files(tmp_path / "gaps.hex").files
    job, _document = read_job(files)
    assert len(job.image.segments) <= 16
    for number in range(30):
        at = 0x0801_0000 + 96 * number
        segment = next(s for s in job.image.segments if s.address <= at < s.address + s.length)
        start = segment.offset + at - segment.address
        assert files["gaps.bin"][start : start + 32] == bytes([number]) * 32
