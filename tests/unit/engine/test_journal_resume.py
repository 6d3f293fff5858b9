"""What the next run learns from the journal of one that was cut."""

from pathlib import Path
from typing import Any

from bmsrescue.agent.files import make_importable

make_importable()

from rescue.engine.common.journal import Journal  # noqa: E402
from rescue.engine.examine.resume import interrupted  # noqa: E402

UID = "AB"
FILE = "journal-AB.jsonl"


def places(tmp_path: Path) -> tuple[str, str]:
    for name in ("sd", "flash"):
        (tmp_path / name).mkdir()
    return str(tmp_path / "sd"), str(tmp_path / "flash")


def begin(roots: tuple[str, ...], uid: str = UID, **facts: object) -> Journal:
    journal = Journal(roots, uid)
    journal.write("begin", {"uid": uid, "job": "bms", **facts})
    return journal


def write_until_cut(roots: tuple[str, ...], uid: str = UID) -> Journal:
    journal = begin(roots, uid)
    journal.write("erase", {"sector": 3})
    journal.write("program", {"sector": 3})
    return journal


def found(roots: tuple[str, ...], uid: str = UID) -> Any:
    return interrupted(roots, uid)


def test_a_cut_run_tells_the_unit_the_sector_and_the_act(tmp_path: Path) -> None:
    roots = places(tmp_path)
    write_until_cut(roots)
    state = found(roots)
    assert (state["uid"], state["sector"], state["event"]) == ("AB", 3, "program")


def test_a_run_that_ended_leaves_nothing_to_resume(tmp_path: Path) -> None:
    roots = places(tmp_path)
    write_until_cut(roots).close()
    assert found(roots) is None


def test_no_journal_is_nothing_to_resume(tmp_path: Path) -> None:
    assert found(places(tmp_path)) is None


def test_the_helpers_own_copy_serves_when_the_card_is_gone(tmp_path: Path) -> None:
    card, flash = places(tmp_path)
    write_until_cut((card, flash))
    (Path(card) / FILE).unlink()
    assert found((card, flash))["sector"] == 3


def test_a_card_pulled_on_the_way_leaves_the_helpers_copy_the_longer_one(tmp_path: Path) -> None:
    card, flash = places(tmp_path)
    journal = write_until_cut((card, flash))
    (Path(card) / FILE).rename(tmp_path / "pulled")
    Path(card).rmdir()
    assert journal.write("done", {"sector": 3})
    assert journal.lost == [card]
    assert found((card, flash))["event"] == "done"


def test_a_line_torn_by_the_cut_is_not_believed(tmp_path: Path) -> None:
    card, _ = places(tmp_path)
    write_until_cut((card,))
    path = Path(card) / FILE
    path.write_text(path.read_text()[:-9])
    assert found((card,))["event"] == "erase"


def test_an_altered_line_is_not_believed(tmp_path: Path) -> None:
    card, _ = places(tmp_path)
    write_until_cut((card,))
    path = Path(card) / FILE
    lines = path.read_text().splitlines()
    lines[2] = lines[2].replace("3", "5", 1)
    path.write_text("\n".join(lines) + "\n")
    assert (found((card,))["event"], found((card,))["sectors"]) == ("erase", [3])


def test_another_unit_in_between_takes_nothing_from_the_one_that_waits(tmp_path: Path) -> None:
    roots = places(tmp_path)
    write_until_cut(roots)
    other = write_until_cut(roots, "CD")
    assert found(roots, "CD")["uid"] == "CD"
    other.close()
    assert found(roots, "CD") is None
    assert found(roots)["sector"] == 3


def test_in_doubt_are_the_last_two_sectors_of_a_run(tmp_path: Path) -> None:
    roots = places(tmp_path)
    journal = begin(roots, sector=0)
    for sector in (1, 2, 3):
        journal.write("erase", {"sector": sector})
    assert (found(roots)["sectors"], found(roots)["doubt"]) == ([0, 1, 2, 3], [2, 3])


def test_what_a_cut_run_left_in_doubt_stays_so_until_a_later_run_has_finished_it(tmp_path: Path) -> None:
    roots = places(tmp_path)
    journal = begin(roots, sector=1)
    journal.write("erase", {"sector": 2})
    again = begin(roots, sector=0)
    assert sorted(found(roots)["doubt"]) == [0, 1, 2], "cut again before it came to them"
    again.write("erase", {"sector": 1})
    again.write("erase", {"sector": 2})
    again.write("erase", {"sector": 3})
    assert sorted(found(roots)["doubt"]) == [2, 3]


def test_what_was_begun_under_consent_is_known_after_a_second_cut(tmp_path: Path) -> None:
    roots = places(tmp_path)
    Journal(roots, UID).write("regression", {"uid": UID, "job": "bms", "regressed": True})
    begin(roots, sector=0)
    assert found(roots)["regressed"]


def test_lines_after_one_that_a_cut_tore_are_read(tmp_path: Path) -> None:
    card, _ = places(tmp_path)
    write_until_cut((card,))
    path = Path(card) / FILE
    path.write_text(path.read_text()[:-9])
    begin((card,), sector=5)
    assert (found((card,))["event"], found((card,))["doubt"]) == ("begin", [3, 5])


def test_an_ended_journal_that_could_not_be_removed_says_nothing_about_the_next_run(tmp_path: Path) -> None:
    card, _ = places(tmp_path)
    write_until_cut((card,)).write("end", {})
    begin((card,), sector=5)
    assert (found((card,))["sectors"], found((card,))["doubt"]) == ([5], [5])
