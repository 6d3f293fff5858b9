"""A card on the host's disk, as a folder or a FAT image, never loses what was on it."""

from pathlib import Path

import pytest

from bmsrescue.card.fat import CardImageError, make_image, read_files, write_files
from bmsrescue.card.image_bytes import FileImage
from bmsrescue.card.storage import CardStorageError, load_card, read_card, save_card, write_new_card
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
    card = load_card(path)
    assert card is not None
    card[:] = make_image({"job.json": b"{}"})
    (path / "report.txt").write_text("written while the card was in the slot\n")
    save_card(path, card)
    assert sorted(read_card(path)) == ["job.json", "records/records.jsonl", "report.txt"]


def test_what_a_person_changes_in_the_folder_during_a_run_stays(tmp_path: Path) -> None:
    path = folder(tmp_path)
    (path / "notes.txt").write_text("before")
    card = load_card(path)
    assert card is not None
    (path / "notes.txt").write_text("meanwhile")
    write_files(card, {"records/records.jsonl": b"old\nnew\n"})
    assert save_card(path, card) == ["records/records.jsonl"]
    assert (path / "notes.txt").read_text() == "meanwhile"


def test_a_run_that_was_cut_takes_nothing_away(tmp_path: Path) -> None:
    path = folder(tmp_path)
    card = load_card(path)
    assert card is not None
    card[:] = make_image({})
    save_card(path, card, complete=False)
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


def test_what_no_dongle_needs_stays_out_of_its_slot_and_in_the_folder(tmp_path: Path) -> None:
    path = folder(tmp_path)
    with (path / "film.mp4").open("wb") as film:
        film.truncate(3 << 30)
    (path / "gr\u00fcn \u7535.txt").write_text("a name that not every FAT card takes")
    (path / "10:30.log").write_text("another")
    (path / "System Volume Information").mkdir()
    (path / "System Volume Information" / "IndexerVolumeGuid").write_bytes(b"{}")
    card = load_card(path)
    assert card is not None and len(card) < 64 << 20
    inside = read_files(card)
    assert "film.mp4" not in inside and FILES.items() <= inside.items()
    there = sorted(read_card(path))
    assert save_card(path, card) == []
    assert sorted(read_card(path)) == there
    assert (path / "film.mp4").stat().st_size == 3 << 30


def test_a_folder_on_a_card_without_permissions_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "chmod", refuse)
    assert read_card(folder(tmp_path))["job.json"] == b"{}"


def test_a_folder_keeps_its_own_spelling_of_a_name(tmp_path: Path) -> None:
    (tmp_path / "JOB.JSON").write_bytes(b"[]")
    write_new_card(tmp_path, FILES)
    assert (tmp_path / "JOB.JSON").read_bytes() == b"{}"
    assert sorted(read_card(tmp_path)) == ["JOB.JSON", "image.bin", "records/records.jsonl"]


def test_an_image_that_something_else_changed_meanwhile_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "card.img"
    write_new_card(path, FILES)
    card = load_card(path)
    assert card is not None
    write_files(card, {"mine": b"1"})
    write_new_card(path, {"theirs": b"2"})
    with pytest.raises(CardStorageError, match="changed by something else"):
        save_card(path, card)
    assert "theirs" in read_card(path) and "mine" not in read_card(path)


def test_only_what_changed_is_kept_of_an_image_and_bytes_at_any_place_are_right(tmp_path: Path) -> None:
    path = tmp_path / "card.img"
    content = bytearray(range(256)) * 100
    path.write_bytes(content)
    image = FileImage(path)
    for start, data in (
        (5, b"five"),
        (510, b"over the edge"),
        (20_000, bytes(3000)),
        (25_590, b"the end!!!"),
        (6, b"x"),
    ):
        image[start : start + len(data)] = data
        content[start : start + len(data)] = data
        assert image[:] == content
        assert image[start - 3 : start + 700] == content[start - 3 : start + 700]
    image.save()
    assert path.read_bytes() == content
    assert not image.is_stale()


@pytest.mark.parametrize(
    ("there", "says"),
    [({"job.json/inside": b""}, "is a folder on the card"), ({"job.json": b""}, "")],
)
def test_what_is_in_the_way_on_an_image_is_named(tmp_path: Path, there: dict[str, bytes], says: str) -> None:
    path = tmp_path / "card.img"
    write_new_card(path, there)
    before = path.read_bytes()
    if not says:
        write_new_card(path, FILES)
        return
    with pytest.raises(CardImageError, match=says):
        write_new_card(path, FILES)
    assert path.read_bytes() == before


def test_a_folder_of_thousands_of_pictures_is_a_card_for_a_run(tmp_path: Path) -> None:
    for number in range(3000):
        (tmp_path / f"picture of the pack {number:05d}.jpg").touch()
    (tmp_path / "job.json").write_bytes(b"{}")
    card = load_card(tmp_path)
    assert card is not None
    assert read_files(card)["job.json"] == b"{}"


def test_a_top_folder_that_is_full_is_named() -> None:
    with pytest.raises(CardImageError, match="its top folder is full"):
        make_image({f"DSC{number:05d}.JPG": b"" for number in range(600)})
