"""A card is built from whatever a person has, and refused with a reason when it could not work."""

import hashlib
import json
import struct
from pathlib import Path

import pytest
from intelhex import IntelHex

from bmsrescue.card.build import ImageOptions, build_files
from bmsrescue.card.check import CardBuildError, check_image, read_job
from bmsrescue.errors import HostError
from bmsrescue.image.contents import ImageFileError
from bmsrescue.image.flash_words import load_segments

FLASH = 0x0800_0000
CODE = struct.pack("<II", 0x2002_0000, FLASH + 0x41) + bytes(range(256)) * 4


def elf(*segments: tuple[int, bytes], machine: int = 40) -> bytes:
    """A small ELF32 file with one PT_LOAD per segment (machine 40 is Arm)."""
    count = len(segments)
    header = b"\x7fELF\x01\x01\x01" + bytes(9)
    header += struct.pack("<HHIIIIIHHHHHH", 2, machine, 1, FLASH, 52, 0, 0, 52, 32, count, 40, 0, 0)
    offset = 52 + 32 * count
    table = body = b""
    for address, data in segments:
        table += struct.pack("<IIIIIIII", 1, offset + len(body), 0x2000_0000, address, len(data), len(data), 5, 4)
        body += data
    return header + table + body


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "bms.bin"
    path.write_bytes(CODE)
    return path


def job_of(files: dict[str, bytes]) -> dict[str, object]:
    document: dict[str, object] = json.loads(files["job.json"])
    return document


def test_a_bin_becomes_the_default_job_repair_to_this_image(image: Path) -> None:
    files = build_files(image, ImageOptions(version="1.2.0")).files
    job, _ = read_job(files)
    assert files["bms.bin"] == CODE
    assert (job.chip, job.mode, job.preserve, job.consent) == ("STM32H725", "repair", [], [])
    assert job.proof.rule == "core-running"
    assert job.image.version == "1.2.0"
    assert job.image.sha256 == hashlib.sha256(CODE).hexdigest()
    check_image(job, files)


def test_elf_hex_and_bin_of_one_firmware_make_the_same_image(tmp_path: Path, image: Path) -> None:
    (tmp_path / "bms.elf").write_bytes(elf((FLASH, CODE)))
    hex_file = IntelHex()
    hex_file.frombytes(CODE, offset=FLASH)
    hex_file.write_hex_file(str(tmp_path / "bms.hex"))
    files = build_files(image).files
    assert build_files(tmp_path / "bms.elf").files == files == build_files(tmp_path / "bms.hex").files


def test_elf_segments_that_share_a_flash_word_are_joined_and_the_gap_stays_erased(tmp_path: Path) -> None:
    path = tmp_path / "two.elf"
    path.write_bytes(elf((FLASH, CODE[:100]), (FLASH + 108, b"\x55" * 20), (FLASH + 0x2_0010, b"\xaa" * 8)))
    first, second = load_segments(path)
    assert (first.address, first.data) == (FLASH, CODE[:100] + b"\xff" * 8 + b"\x55" * 20)
    assert (second.address, second.data) == (FLASH + 0x2_0000, b"\xff" * 16 + b"\xaa" * 8)


def test_two_segments_far_apart_stay_two_and_are_hashed_apart(tmp_path: Path) -> None:
    path = tmp_path / "two.elf"
    path.write_bytes(elf((FLASH, CODE), (FLASH + 0x4_0000, b"\x11" * 64)))
    files = build_files(path).files
    job, _ = read_job(files)
    assert [(s.address, s.length, s.offset) for s in job.image.segments] == [
        (FLASH, len(CODE), 0),
        (FLASH + 0x4_0000, 64, len(CODE)),
    ]
    check_image(job, files)


@pytest.mark.parametrize(
    ("name", "content", "base", "reason"),
    [
        ("empty.bin", b"", None, "is empty"),
        ("notes.txt", b"hello", None, "neither"),
        ("odd.bin", CODE, FLASH + 4, "multiple of 32"),
        ("bad.hex", b":0000000", None, "no record in line 1"),
        ("bad.elf", b"\x7fELF" + bytes(8), None, "damaged ELF"),
        ("x86.elf", elf((FLASH, CODE), machine=62), None, "not for an Arm core"),
        ("overlap.elf", elf((FLASH, CODE), (FLASH + 64, CODE)), None, "overlap"),
        ("huge.bin", CODE + bytes(1 << 20), None, "outside the flash"),
        ("ram.bin", CODE, 0x2400_0000, "outside the flash"),
        ("no-vectors.bin", bytes(1024), None, "no vector table"),
        ("app-only.bin", CODE, FLASH + 0x2_0000, "has nothing"),
        ("other-chip.bin", struct.pack("<II", 0x1000_8000, FLASH + 0x41) + CODE[8:], None, "no vector table"),
        ("arm-mode.bin", struct.pack("<II", 0x2002_0000, FLASH + 0x40) + CODE[8:], None, "no vector table"),
        ("cut.bin", struct.pack("<II", 0x2002_0000, FLASH + 0x8_0001) + CODE[8:], None, "has nothing"),
    ],
)
def test_an_image_that_cannot_work_is_refused_with_a_reason_and_a_next_step(
    tmp_path: Path, name: str, content: bytes, base: int | None, reason: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(HostError) as refusal:
        build_files(path, ImageOptions(base=base) if base else None)
    assert reason in refusal.value.message
    assert refusal.value.next_step


def test_a_missing_image_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImageFileError, match="cannot read"):
        build_files(tmp_path / "nowhere.bin")


def test_a_job_that_names_only_its_file_gets_segments_and_hashes(tmp_path: Path, image: Path) -> None:
    document = job_of(build_files(image).files)
    document["image"] = {"file": "bms.bin", "version": "2.0"}
    document["policy"] = {"preserve": [{"name": "calibration", "address": "0x080e0000", "length": 64}]}
    (tmp_path / "job.json").write_text(json.dumps(document))
    files = build_files(tmp_path / "job.json").files
    job, _ = read_job(files)
    assert job.image.version == "2.0"
    assert [region.name for region in job.preserve] == ["calibration"]
    check_image(job, files)


def test_a_whole_job_is_taken_as_it_is(tmp_path: Path, image: Path) -> None:
    files = build_files(image).files
    (tmp_path / "job.json").write_bytes(files["job.json"])
    assert build_files(tmp_path / "job.json").files == files


def test_a_job_whose_image_was_changed_is_refused(tmp_path: Path, image: Path) -> None:
    (tmp_path / "job.json").write_bytes(build_files(image).files["job.json"])
    image.write_bytes(CODE[:-1] + b"\x00")
    with pytest.raises(CardBuildError, match="SHA-256 is not the one in the job"):
        build_files(tmp_path / "job.json")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"surprise": 1}, "surprise: is not known"),
        ({"format": "bmsrescue-job/9"}, "format"),
        ({"target": {"chip": "STM32F407", "dev_id": "0x413", "flash_kib": 1024}}, "target.chip"),
        ({"target": {"chip": "STM32H725", "dev_id": "0x450", "flash_kib": 1024}}, "target.dev_id"),
        ({"policy": {"preserve": [{"name": "x", "address": "0x08000000", "length": 32}]}}, "policy.preserve"),
        ({"image": {"file": "bms.bin", "sha": "0"}}, "image.sha"),
        ({"image": {"file": "bms.bin", "base": "here"}}, "image.base"),
        ({"image": {"version": "1"}}, "image.file"),
    ],
)
def test_a_wrong_job_is_refused_by_the_key_that_is_wrong(
    tmp_path: Path, image: Path, change: dict[str, object], reason: str
) -> None:
    document = job_of(build_files(image).files)
    (tmp_path / "job.json").write_text(json.dumps({**document, **change}))
    with pytest.raises(CardBuildError) as refusal:
        build_files(tmp_path / "job.json")
    assert reason in refusal.value.message
    assert refusal.value.next_step


def test_broken_json_is_refused_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "job.json").write_text('{"format": ')
    with pytest.raises(CardBuildError, match="line 1: the file ends early"):
        build_files(tmp_path / "job.json")


def test_a_card_without_its_image_is_refused(image: Path) -> None:
    files = build_files(image).files
    del files["bms.bin"]
    job, _ = read_job(files)
    with pytest.raises(CardBuildError, match=r"bms\.bin is missing on the card"):
        check_image(job, files)


def test_the_builder_says_which_sectors_the_job_owns_and_what_is_not_put_back(tmp_path: Path, image: Path) -> None:
    notes = build_files(image).notes
    assert "the job owns sector 0 (0x08000000 to 0x0801ffff)" in notes[0]
    assert "126 KiB" in notes[1]
    document = job_of(build_files(image).files)
    document["image"] = {"file": "bms.bin"}
    document["policy"] = {"preserve": [{"name": "serial", "address": "0x0801ffc0", "length": 64}]}
    (tmp_path / "job.json").write_text(json.dumps(document))
    notes = build_files(tmp_path / "job.json").notes
    assert "the job owns sector 0" in notes[0]
    assert "serial (0x0801ffc0, 64 bytes)" in notes[1]
    large = tmp_path / "large.bin"
    large.write_bytes(CODE + bytes(range(1, 129)) * 3 * 1024)
    assert "the job owns sectors 0 to 3 (0x08000000 to 0x0807ffff)" in build_files(large).notes[0]
