"""Cards of pocket dongles come into a store: all of them, once, and nothing is put right in silence."""

import contextlib
import errno
import hashlib
import json
import os
import re
import socket
import struct
import tracemalloc
from pathlib import Path
from types import SimpleNamespace
from typing import IO, cast

import pytest
from sqlalchemy import func, select

from bmsrescue.card.fat import make_image, read_files
from bmsrescue.errors import UsageError
from bmsrescue.fleet import ledger
from bmsrescue.fleet.backups import BackupFolder
from bmsrescue.fleet.forward import Forwarder
from bmsrescue.fleet.models import (
    Attempt,
    Backup,
    Course,
    Image,
    LedgerEntry,
    Measurement,
    QuarantinedLine,
    RailDay,
    SealedLine,
    Unit,
)
from bmsrescue.fleet.records.cards import MAX_RECORDS_BYTES, Card, CardReport, find_cards, import_card
from bmsrescue.fleet.records.taking import MAX_BREAKS
from bmsrescue.fleet.store import Store, sqlite_url
from bmsrescue.twin.rig import TwinRig
from bmsrescue.twin.scenarios import find
from lost_chains import lose_chain
from rescuelink.seal import line_hash, seal
from sealed_records import chain, sample, write_card


@pytest.fixture
def backups(tmp_path: Path) -> BackupFolder:
    return BackupFolder(str(tmp_path / "backups"))


def bring_in(store: Store, backups: BackupFolder, place: Path) -> list[CardReport]:
    with store.write() as session:
        bench = ledger.own_site(session)
    return [import_card(store, bench, backups, card) for card in find_cards(place)]


def count(store: Store, table: type) -> int:
    with store.read() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def test_a_record_becomes_an_attempt_with_all_that_it_says(store: Store, backups: BackupFolder, tmp_path: Path) -> None:
    (line,) = chain("pocket-1", 1, unit=sample()["unit"], diagnosis=sample()["diagnosis"], outcome="RECOVERED")
    bring_in(store, backups, write_card(tmp_path / "card", [line]))
    with store.read() as session:
        attempt = session.scalars(select(Attempt)).one()
        assert (attempt.helper, attempt.sequence, attempt.outcome) == ("pocket-1", 1, "RECOVERED")
        assert (attempt.cause, attempt.confidence) == ("update-cut", "certain")
        assert (attempt.image_version, attempt.follows, attempt.time_source) == ("1.2.0", True, "import")
        assert session.scalars(select(Unit.uid)).all() == ["365139384138470400BD0010"]
        assert session.scalars(select(SealedLine.line)).all() == [line]
        assert session.scalars(select(Image.file)).all() == ["bms-1.2.0.bin"]
        course = session.scalars(select(Course)).one()
        assert [name for name, _ms, _outcome in course.steps][:2] == ["job", "sense"]
        assert course.before[:2] == ["blank", "differs"]
        assert course.after[0] == "match"


def test_a_measurement_has_its_limits_and_its_uncertainty(store: Store, backups: BackupFolder, tmp_path: Path) -> None:
    rails = {"on": {"vcap": {"mv": 950, "min_mv": 946, "max_mv": 955}, "v3v3": {"mv": 3299}, "v12": {"mv": 13900}}}
    bring_in(store, backups, write_card(tmp_path / "card", chain("pocket-1", 1, rails=rails)))
    with store.read() as session:
        rows = {row.rail: row for row in session.scalars(select(Measurement))}
    vcap = rows["vcap"]
    assert (vcap.mv, vcap.min_mv, vcap.max_mv, vcap.limit_low, vcap.limit_high) == (950, 946, 955, 940, 1400)
    assert {rail: row.uncertainty for rail, row in rows.items()} == {"vcap": 18, "v3v3": 53, "v12": 223}
    assert {rail: row.verdict for rail, row in rows.items()} == {"vcap": "marginal", "v3v3": "pass", "v12": "fail"}


def test_importing_again_changes_nothing(store: Store, backups: BackupFolder, tmp_path: Path) -> None:
    card = write_card(tmp_path / "card", chain("pocket-1", 30))
    (first,) = bring_in(store, backups, card)
    assert (first.taken.lines, first.taken.new, first.taken.known, first.whole) == (30, 30, 0, True)
    before = {table: count(store, table) for table in (Attempt, Course, Measurement, SealedLine, Unit)}
    (second,) = bring_in(store, backups, card)
    assert (second.taken.new, second.taken.known, second.whole) == (0, 30, True)
    assert before == {table: count(store, table) for table in before}


def test_a_card_that_has_grown_brings_only_what_is_new(store: Store, backups: BackupFolder, tmp_path: Path) -> None:
    lines = chain("pocket-1", 25)
    bring_in(store, backups, write_card(tmp_path / "card", lines[:20]))
    (report,) = bring_in(store, backups, write_card(tmp_path / "card", lines))
    assert (report.taken.new, report.taken.known, report.whole) == (5, 20, True)


def test_a_second_card_goes_on_where_the_first_ended(store: Store, backups: BackupFolder, tmp_path: Path) -> None:
    lines = chain("pocket-1", 20)
    bring_in(store, backups, write_card(tmp_path / "one", lines[:12]))
    (report,) = bring_in(store, backups, write_card(tmp_path / "two", lines[12:]))
    assert report.whole


def test_a_card_moved_to_another_dongle_is_no_break(store: Store, backups: BackupFolder, tmp_path: Path) -> None:
    lines = chain("pocket-1", 5)
    lines += chain("pocket-2", 5, first=9, previous=line_hash(lines[-1]))
    (report,) = bring_in(store, backups, write_card(tmp_path / "card", lines))
    assert report.whole
    assert report.taken.new == 10


def test_a_missing_line_is_reported_and_the_rest_is_taken(store: Store, backups: BackupFolder, tmp_path: Path) -> None:
    lines = chain("pocket-1", 10)
    (report,) = bring_in(store, backups, write_card(tmp_path / "card", lines[:4] + lines[5:]))
    assert report.taken.breaks == [(5, "does not follow the line before")]
    with store.read() as session:
        assert session.scalars(select(Attempt.sequence).where(~Attempt.follows)).all() == [6]
    assert count(store, Attempt) == 9


def test_a_missing_line_between_two_cards_is_reported(store: Store, backups: BackupFolder, tmp_path: Path) -> None:
    lines = chain("pocket-1", 10)
    forged = chain("pocket-1", 3, first=11, previous="ab" * 32)
    bring_in(store, backups, write_card(tmp_path / "one", lines))
    (report,) = bring_in(store, backups, write_card(tmp_path / "two", forged))
    assert report.taken.breaks == [(1, "does not follow the line before")]


@pytest.mark.parametrize(
    ("harm", "why"),
    [
        (lambda line: line[:-20], "no checksum"),
        (lambda line: line.replace("pocket-1", "pocket-9"), "checksum wrong"),
        (lambda line: "\udcff\udcfe".encode("utf-8", "surrogateescape").decode("latin-1") + line, "checksum wrong"),
        (lambda line: "garbage", "no checksum"),
        (lambda line: seal({"format": "bmsrescue-record/1", "helper": "x"}, ""), "no helper or no sequence number"),
        (lambda line: seal({"format": "another/1"}, ""), "not the format of a record"),
        (lambda line: seal(sample() | {"outcome": "PERFECT"}, ""), "no outcome that is known"),
        (lambda line: seal(sample() | {"sequence": 2**70}, ""), "no helper or no sequence number"),
        (lambda line: seal(sample() | {"helper": "nul\0"}, ""), "no helper or no sequence number"),
    ],
)
def test_a_damaged_line_is_set_aside_as_it_came(
    store: Store, backups: BackupFolder, tmp_path: Path, harm: object, why: str
) -> None:
    lines = chain("pocket-1", 3)
    assert callable(harm)
    lines[1] = harm(lines[1])
    card = write_card(tmp_path / "card", lines)
    for _twice in range(2):
        (report,) = bring_in(store, backups, card)
        assert (2, why) in report.taken.breaks
        assert count(store, Attempt) == 2
        with store.read() as session:
            kept = session.scalars(select(QuarantinedLine)).one()
        assert (kept.line_number, kept.why, kept.text) == (2, why, lines[1])


def test_a_forged_record_under_a_number_that_is_taken_is_set_aside(
    store: Store, backups: BackupFolder, tmp_path: Path
) -> None:
    bring_in(store, backups, write_card(tmp_path / "true", chain("pocket-1", 3)))
    (report,) = bring_in(store, backups, write_card(tmp_path / "forged", chain("pocket-1", 3, seed=1)))
    assert (report.taken.new, report.taken.quarantined) == (0, 3)
    assert "pocket-1 2 is here already and says otherwise" in [why for _line, why in report.taken.breaks]


def test_hostile_text_in_a_record_is_kept_as_text(store: Store, backups: BackupFolder, tmp_path: Path) -> None:
    script = "<script>alert(1)</script>'; DROP TABLE attempts; --\0"
    diagnosis = {"cause": script * 9, "sentence": script, "confidence": ["no text"]}
    lines = chain("pocket-1", 1, diagnosis=diagnosis, steps="none", rails=[1], sectors={"before": 7}, job=None)
    (report,) = bring_in(store, backups, write_card(tmp_path / "card", lines))
    assert report.whole
    with store.read() as session:
        attempt = session.scalars(select(Attempt)).one()
    assert attempt.sentence == script.replace("\0", "�")
    assert len(attempt.cause) == 64


def test_a_line_that_never_ends_is_set_aside_in_pieces(store: Store, backups: BackupFolder, tmp_path: Path) -> None:
    lines = chain("pocket-1", 2)
    (report,) = bring_in(store, backups, write_card(tmp_path / "card", [lines[0], "x" * 1_200_000]))
    assert (report.taken.new, report.taken.quarantined) == (1, 3)


def test_cards_as_folders_and_as_images_are_found_below_a_folder(
    store: Store, backups: BackupFolder, tmp_path: Path
) -> None:
    write_card(tmp_path / "cards" / "one", chain("pocket-1", 2))
    image = make_image({"records/records.jsonl": "\n".join(chain("pocket-2", 3)).encode() + b"\n"})
    (tmp_path / "cards" / "two.img").write_bytes(image)
    assert [report.taken.new for report in bring_in(store, backups, tmp_path / "cards")] == [2, 3]


def test_records_that_a_helper_has_set_aside_come_first(store: Store, backups: BackupFolder, tmp_path: Path) -> None:
    lines = chain("pocket-1", 12)
    files = {"records/records.jsonl": lines[11:], "records/records-aside-2.jsonl": lines[10:11]}
    files["records/RECORDS-ASIDE-1.JSONL"] = [*lines[:10], lines[10][:300]]
    image = make_image({name: "\n".join(part).encode() + b"\n" for name, part in files.items()})
    (tmp_path / "card.img").write_bytes(image)
    folder = tmp_path / "folder" / "records"
    folder.mkdir(parents=True)
    for name, part in files.items():
        (tmp_path / "folder" / name).write_text("\n".join(part) + "\n")
    reports = bring_in(store, backups, tmp_path)
    assert [(report.taken.new, report.taken.quarantined, report.problems) for report in reports] == [
        (12, 1, []),
        (0, 1, []),
    ]


def test_what_is_set_aside_and_no_file_costs_no_other_file(store: Store, backups: BackupFolder, tmp_path: Path) -> None:
    card = write_card(tmp_path / "card", chain("pocket-1", 3))
    (card / "records" / "records-aside-1.jsonl").mkdir()
    (report,) = bring_in(store, backups, card)
    assert report.taken.new == 3
    assert "records-aside-1.jsonl is no file of the card's own" in report.problems[0]


def test_a_thousand_names_for_the_same_bytes_are_not_read(store: Store, backups: BackupFolder, tmp_path: Path) -> None:
    """Each entry of the folder is another file's chain: a small image would be read for hours."""
    text = b"x" * 499_999 + b"\n"
    names = [f"records/records-aside-{number}.jsonl" for number in range(1, 101)]
    image = make_image({name: text if name == names[0] else b"." for name in names})
    (first,) = entries_of(image, len(text))
    for place in entries_of(image, 1):
        image[place + 26 : place + 32] = image[first + 26 : first + 32]
    (tmp_path / "card.img").write_bytes(image)
    (report,) = bring_in(store, backups, tmp_path)
    assert (report.taken.lines, report.backups) == (0, 0)
    assert "50,000,000 bytes, more than the card (33,554,432)" in report.problems[0]


def entries_of(image: bytearray, size: int) -> list[int]:
    """Where the directory's entries of files of that size lie (FAT specification 1.03, section 6)."""
    found = re.finditer(re.escape(struct.pack("<I", size)), image)
    places = (match.start() - 28 for match in found if match.start() % 32 == 28)
    return [place for place in places if image[place + 11] == 0x20 and image[place : place + 2].isalnum()]


def test_junk_in_an_image_takes_little_memory(store: Store, backups: BackupFolder, tmp_path: Path) -> None:
    line = b"y" * (MIB // 4) + b"\n"
    (tmp_path / "card.img").write_bytes(make_image({"records/records.jsonl": line * 48}))
    tracemalloc.start()
    (report,) = bring_in(store, backups, tmp_path)
    _now, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert report.taken.lines == 48
    assert most < 10 * MIB


@pytest.mark.skipif(os.name != "posix", reason="names are bytes there only")
def test_no_name_of_a_folder_keeps_another_card_out(store: Store, backups: BackupFolder, tmp_path: Path) -> None:
    """Bytes that are no text, and folders in each other that no path reaches."""
    write_card(tmp_path / "cards" / "good", chain("pocket-1", 2))
    write_card(tmp_path / "cards" / os.fsdecode(b"\xff\xfe"), chain("pocket-2", 2))
    here = os.open(".", os.O_RDONLY)
    try:
        os.chdir(tmp_path / "cards")
        for _depth in range(24):
            Path("z" * 200).mkdir()
            os.chdir("z" * 200)
    finally:
        os.fchdir(here)
        os.close(here)
    assert [report.taken.new for report in bring_in(store, backups, tmp_path / "cards")] == [2, 2]


def test_of_records_with_a_lost_chain_all_that_can_be_read_is_taken(
    store: Store, backups: BackupFolder, tmp_path: Path
) -> None:
    lines = chain("pocket-1", 12)
    image = make_image({"records/records.jsonl": "\n".join(lines).encode() + b"\n"})
    left = lose_chain(image, "records/records.jsonl", keep=10)
    (tmp_path / "card.img").write_bytes(image)
    (report,) = bring_in(store, backups, tmp_path)
    assert (report.taken.new, report.taken.quarantined) == (left // (len(lines[0]) + 80), 1)
    (problem,) = report.problems
    assert f"{left:,} of {len('|'.join(lines)) + 1:,} bytes could be read" in problem


def test_a_medium_that_fails_costs_only_what_lies_behind(
    store: Store, backups: BackupFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = chain("pocket-1", 5)
    card = write_card(tmp_path / "card", lines)
    opened = Card.open_records

    def failing(self: Card, name: str) -> IO[bytes]:
        file = opened(self, name)
        readline = file.readline
        left = iter(range(3))
        broken = OSError(errno.EIO, "Input/output error")

        def read(limit: int = -1) -> bytes:
            if next(left, None) is None:
                raise broken
            return readline(limit)

        return cast("IO[bytes]", SimpleNamespace(readline=read))

    monkeypatch.setattr(Card, "open_records", lambda self, name: contextlib.nullcontext(failing(self, name)))
    (report,) = bring_in(store, backups, card)
    assert report.taken.new == 3
    assert "Input/output error" in report.problems[0]


def test_a_folder_that_a_cut_has_damaged_costs_no_record(store: Store, backups: BackupFolder, tmp_path: Path) -> None:
    image = make_image(
        {"records/records.jsonl": "\n".join(chain("pocket-1", 3)).encode() + b"\n", "backups/U-1.bin": b"one" * 400}
    )
    # The folder's block is what the card had before: of its files there are names that no FAT has.
    start = image.find(b"U-1     BIN")
    image[start - start % 512 : start - start % 512 + 512] = b'"36513938410, 1003, 996, "mv": 3' * 16
    (tmp_path / "card.img").write_bytes(image)
    (report,) = bring_in(store, backups, tmp_path)
    assert (report.taken.new, report.taken.breaks) == (3, [])
    assert report.problems


def test_a_backup_with_a_lost_chain_costs_no_other(store: Store, backups: BackupFolder, tmp_path: Path) -> None:
    files = {f"backups/U-{number}.bin": bytes([number]) * 9000 + b"x" * number for number in (1, 2, 3)}
    image = make_image({"records/records.jsonl": chain("pocket-1", 1)[0].encode() + b"\n", **files})
    assert lose_chain(image, "backups/U-2.bin")
    (tmp_path / "card.img").write_bytes(image)
    (report,) = bring_in(store, backups, tmp_path)
    assert report.backups == 2
    (problem,) = report.problems
    assert "backups/U-2.bin" in problem


def test_backups_are_kept_once_by_their_hash(store: Store, backups: BackupFolder, tmp_path: Path) -> None:
    data = b"flash of a unit" * 100
    for name in ("one", "two"):
        card = write_card(tmp_path / name, chain(name, 1))
        (card / "backups").mkdir()
        (card / "backups" / f"{name}.bin").write_bytes(data)
        bring_in(store, backups, card)
    assert count(store, Backup) == 1
    assert backups.get(hashlib.sha256(data).hexdigest()) == data


def test_a_place_without_cards_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no card with records"):
        find_cards(tmp_path)
    with pytest.raises(UsageError, match="nothing at"):
        find_cards(tmp_path / "missing")


def test_everything_that_came_is_in_the_ledger_in_order(store: Store, backups: BackupFolder, tmp_path: Path) -> None:
    bring_in(store, backups, write_card(tmp_path / "card", [*chain("pocket-1", 3), "garbage"]))
    with store.read() as session:
        entries = session.scalars(select(LedgerEntry).order_by(LedgerEntry.number)).all()
    assert [entry.number for entry in entries] == [1, 2, 3, 4, 5]
    assert [entry.kind for entry in entries] == ["attempt"] * 3 + ["quarantine", "import"]
    previous = ""
    for entry in entries:
        assert entry.hash == ledger.entry_hash(previous, entry.bench, entry.number, entry.at, entry.kind, entry.body)
        previous = entry.hash
    assert json.loads(entries[0].body)["helper"] == "pocket-1"


KINDS = {
    "link": lambda path, secret: path.symlink_to(secret),
    "hard link": lambda path, secret: path.hardlink_to(secret),
    "circle": lambda path, _secret: path.symlink_to(path),
    "endless device": lambda path, _secret: path.symlink_to("/dev/zero"),
    "fifo": lambda path, _secret: os.mkfifo(path),
    "socket": lambda path, _secret: socket.socket(socket.AF_UNIX).bind(str(path)),
}


@pytest.mark.parametrize("kind", [*KINDS, "folder link"])
def test_a_card_is_read_from_its_own_files_only(tmp_path: Path, kind: str) -> None:
    """A private key, a pipe that never ends: nothing of that lands in the store."""
    secret = tmp_path / "elsewhere" / "records.jsonl"
    secret.parent.mkdir()
    secret.write_text("a private key\n")
    records = tmp_path / "card" / "records"
    if kind == "folder link":
        records.parent.mkdir()
        records.symlink_to(secret.parent)
    else:
        records.mkdir(parents=True)
        KINDS[kind](records / "records.jsonl", secret)
        (tmp_path / "card" / "backups").mkdir()
        KINDS[kind](tmp_path / "card" / "backups" / "x.bin", secret)
    store = Store.open(sqlite_url(tmp_path / "store"))
    with store.write() as session:
        bench = ledger.own_site(session)
    card = Card(tmp_path / "card")
    report = import_card(store, bench, BackupFolder(str(tmp_path / "backups")), card)
    assert "no file of the card's own" in report.problems[0]
    assert (report.taken.lines, report.backups) == (0, 0)
    store.close()


@pytest.mark.parametrize("kind", [*KINDS, "junk"])
def test_an_image_that_is_none_keeps_no_other_card_out(
    store: Store, backups: BackupFolder, tmp_path: Path, kind: str
) -> None:
    secret = tmp_path / "elsewhere.img"
    secret.write_bytes(make_image({"records/records.jsonl": "\n".join(chain("of-another", 2)).encode()}))
    cards = tmp_path / "cards"
    write_card(cards / "good", chain("pocket-1", 3))
    bad = cards / "bad.img"
    bad.write_bytes(b"no card" * 100) if kind == "junk" else KINDS[kind](bad, secret)
    reports = {Path(report.source).name: report for report in bring_in(store, backups, cards)}
    assert reports["good"].taken.new == 3
    assert kind in ("circle",) or reports["bad.img"].problems
    assert count(store, Attempt) == 3


MIB = 1024 * 1024


def test_junk_costs_its_own_bytes_once_and_little_memory(tmp_path: Path) -> None:
    """Kept, as everything is; but not twice, and never all of it at a time."""
    lines = [f"{number} " + "x" * (MIB // 4) for number in range(192)]
    card = write_card(tmp_path / "card", lines)
    store = Store.open(sqlite_url(tmp_path / "store"))
    backups = BackupFolder(str(tmp_path / "backups"))
    tracemalloc.start()
    (report,) = bring_in(store, backups, card)
    _now, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert report.taken.quarantined == len(lines)
    with store.read() as session:
        assert sorted(session.scalars(select(QuarantinedLine.text))) == sorted(lines)
    store.close()
    size = (tmp_path / "store" / "records.sqlite3").stat().st_size
    assert size < 1.1 * sum(map(len, lines))
    assert most < 32 * MIB


def test_records_of_no_possible_size_are_not_read(store: Store, backups: BackupFolder, tmp_path: Path) -> None:
    card = write_card(tmp_path / "card", chain("pocket-1", 1))
    os.truncate(card / "records" / "records.jsonl", MAX_RECORDS_BYTES + 1)
    (report,) = bring_in(store, backups, card)
    assert "more than any dongle's" in report.problems[0]
    assert (report.taken.lines, count(store, QuarantinedLine)) == (0, 0)


def test_breaks_without_end_are_counted_and_the_first_are_named(
    store: Store, backups: BackupFolder, tmp_path: Path
) -> None:
    card = write_card(tmp_path / "card", [f"junk {number}" for number in range(MAX_BREAKS + 5)])
    (report,) = bring_in(store, backups, card)
    assert (len(report.taken.breaks), report.taken.unnamed) == (MAX_BREAKS, 5)
    assert count(store, QuarantinedLine) == MAX_BREAKS + 5


def test_what_was_set_aside_reaches_a_shared_store_whole(tmp_path: Path) -> None:
    own, shared = (Store.open(sqlite_url(tmp_path / name)) for name in ("own", "shared"))
    bring_in(own, BackupFolder(str(tmp_path / "backups")), write_card(tmp_path / "card", ["junk of a bench"]))
    with own.read() as session:
        bench = session.scalars(select(LedgerEntry.bench)).first()
    Forwarder(own, shared, str(bench)).turn()
    with shared.read() as session:
        assert session.scalars(select(QuarantinedLine.text)).all() == ["junk of a bench"]
    own.close()
    shared.close()


def test_a_look_without_a_job_comes_into_the_history_and_counts_as_no_verdict(
    store: Store, backups: BackupFolder, tmp_path: Path
) -> None:
    card = make_image({})
    TwinRig(find("half-on"), card).run()
    lines = read_files(card)["records/records.jsonl"].decode().splitlines()
    (report,) = bring_in(store, backups, write_card(tmp_path / "card", lines))
    assert report.whole
    with store.read() as session:
        attempt = session.scalars(select(Attempt)).one()
        assert (attempt.outcome, attempt.cause, attempt.image_version) == ("EXAMINED", "start-erased", None)
        assert attempt.unit_id is not None
        assert session.scalar(select(func.count()).select_from(RailDay)) == 0
