"""A card on the host's disk, as a folder or a FAT image, never loses what was on it."""

from pathlib import Path

import pytest

from bmsrescue.card.fat import CardImageError, make_image, read_files, write_files
from bmsrescue.card.storage import load_card, read_card, save_card, write_new_card
from bmsrescue.errors import UsageError

FILES = {"job.json": b"{}", "image.bin": bytes(range(256)) * 40, "records/records.jsonl": b"old\n"}


def folder(tmp_path: Path) -> Path:
    path = tmp_path / "card"
    write_new_card(path, FILES)
    return path


def test_files_survive_the_way_into_a_fat_image_and_back() -> None:
    files = {**FILES, "deep/er/A long file name.with dots.txt": b"x", "empty": b""}
    assert read_files(make_image(files)) == files


def test_many_images_can_be_opened_one_after_the_other() -> None:
    for number in range(25):
        assert read_files(make_image({"n": str(number).encode()}, size=1 << 20)) == {"n": str(number).encode()}


def test_a_file_that_does_not_fit_is_refused_not_cut() -> None:
    image = make_image({}, size=1 << 20)
    with pytest.raises(CardImageError, match="no room"):
        write_files(image, {"big": bytes(2 << 20)})


@pytest.mark.parametrize("content", [b"", b"123", bytes(1 << 20), b"\xff" * (1 << 20)])
def test_bytes_that_are_no_card_are_refused(content: bytes) -> None:
    with pytest.raises(CardImageError):
        read_files(bytearray(content))


def test_a_run_on_a_folder_brings_its_records_and_backups_back(tmp_path: Path) -> None:
    path = folder(tmp_path)
    image = load_card(path)
    assert image is not None
    write_files(image, {"records/records.jsonl": b"old\nnew\n", "backups/0001.bin": b"flash"})
    assert save_card(path, image) == ["backups/0001.bin", "records/records.jsonl"]
    assert read_card(path) == {**FILES, "records/records.jsonl": b"old\nnew\n", "backups/0001.bin": b"flash"}


def test_a_run_on_an_image_replaces_the_image(tmp_path: Path) -> None:
    path = tmp_path / "card.img"
    write_new_card(path, FILES)
    image = load_card(path)
    assert image is not None
    write_files(image, {"records/records.jsonl": b"new\n"})
    save_card(path, image)
    assert read_card(path)["records/records.jsonl"] == b"new\n"
    assert [entry.name for entry in tmp_path.iterdir()] == ["card.img"]


def test_a_finished_journal_goes_from_the_folder_too_but_never_a_record(tmp_path: Path) -> None:
    path = folder(tmp_path)
    (path / "journal.jsonl").write_text("line\n")
    without = make_image({"job.json": b"{}"})
    save_card(path, without)
    assert sorted(read_card(path)) == ["job.json", "records/records.jsonl"]


def test_a_run_that_was_cut_takes_nothing_away(tmp_path: Path) -> None:
    path = folder(tmp_path)
    save_card(path, make_image({}), complete=False)
    assert read_card(path) == FILES


def test_a_damaged_card_is_kept_beside_the_folder(tmp_path: Path) -> None:
    path = folder(tmp_path)
    with pytest.raises(CardImageError) as error:
        save_card(path, bytearray(1 << 20))
    assert read_card(path) == FILES
    assert (tmp_path / "card.damaged.img").read_bytes() == bytes(1 << 20)
    assert "card.damaged.img" in error.value.next_step


def test_building_onto_a_used_card_keeps_its_records(tmp_path: Path) -> None:
    for path in (tmp_path / "card", tmp_path / "card.img"):
        write_new_card(path, FILES)
        write_new_card(path, {"job.json": b"[]"})
        assert read_card(path) == {**FILES, "job.json": b"[]"}


def test_no_card_is_not_an_empty_card(tmp_path: Path) -> None:
    assert load_card(tmp_path / "nowhere") is None
    with pytest.raises(UsageError, match="no card"):
        read_card(tmp_path / "nowhere")


def test_a_file_in_the_way_of_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "card").write_text("mine")
    with pytest.raises(UsageError, match="is a file"):
        write_new_card(tmp_path / "card", FILES)
    assert (tmp_path / "card").read_text() == "mine"
