"""What the next run learns from the journal of one that was cut."""

from pathlib import Path

from bmsrescue.agent_files import make_importable

make_importable()

from rescue.engine.journal import Journal  # noqa: E402
from rescue.engine.resume import interrupted  # noqa: E402


def places(tmp_path: Path) -> tuple[str, str]:
    for name in ("sd", "flash"):
        (tmp_path / name).mkdir()
    return str(tmp_path / "sd"), str(tmp_path / "flash")


def write_until_cut(roots: tuple[str, ...]) -> Journal:
    journal = Journal(roots)
    journal.write("begin", {"uid": "AB", "job": "bms"})
    journal.write("erase", {"sector": 3})
    journal.write("program", {"sector": 3})
    return journal


def test_a_cut_run_tells_the_unit_the_sector_and_the_act(tmp_path: Path) -> None:
    roots = places(tmp_path)
    write_until_cut(roots)
    found = interrupted(roots)
    assert (found["uid"], found["sector"], found["event"]) == ("AB", 3, "program")


def test_a_run_that_ended_leaves_nothing_to_resume(tmp_path: Path) -> None:
    roots = places(tmp_path)
    write_until_cut(roots).close()
    assert interrupted(roots) is None


def test_no_journal_is_nothing_to_resume(tmp_path: Path) -> None:
    assert interrupted(places(tmp_path)) is None


def test_the_helpers_own_copy_serves_when_the_card_is_gone(tmp_path: Path) -> None:
    card, flash = places(tmp_path)
    write_until_cut((card, flash))
    (Path(card) / "journal.jsonl").unlink()
    assert interrupted((card, flash))["sector"] == 3


def test_a_card_pulled_on_the_way_leaves_the_helpers_copy_the_longer_one(tmp_path: Path) -> None:
    card, flash = places(tmp_path)
    journal = write_until_cut((card, flash))
    (Path(card) / "journal.jsonl").rename(tmp_path / "pulled")
    Path(card).rmdir()
    assert journal.write("done", {"sector": 3})
    assert journal.lost == [card]
    assert interrupted((card, flash))["event"] == "done"


def test_a_line_torn_by_the_cut_is_not_believed(tmp_path: Path) -> None:
    card, _ = places(tmp_path)
    write_until_cut((card,))
    path = Path(card) / "journal.jsonl"
    path.write_text(path.read_text()[:-9])
    assert interrupted((card,))["event"] == "erase"


def test_an_altered_line_and_what_follows_it_are_not_believed(tmp_path: Path) -> None:
    card, _ = places(tmp_path)
    write_until_cut((card,))
    path = Path(card) / "journal.jsonl"
    lines = path.read_text().splitlines()
    lines[1] = lines[1].replace("3", "5", 1)
    path.write_text("\n".join(lines) + "\n")
    assert interrupted((card,))["event"] == "begin"


def test_only_the_newest_run_counts(tmp_path: Path) -> None:
    roots = places(tmp_path)
    write_until_cut(roots)
    Journal(roots).write("begin", {"uid": "CD", "job": "bms"})
    found = interrupted(roots)
    assert (found["uid"], found["sector"]) == ("CD", None)
