"""`bmsrescue records import`: what a person is told."""

import json
from pathlib import Path

import pytest
from sqlalchemy import update
from typer.testing import CliRunner, Result

from bmsrescue.cli import app
from bmsrescue.errors import UsageError
from bmsrescue.fleet import figures
from bmsrescue.fleet.models import DayCount
from bmsrescue.fleet.store import Store, sqlite_url
from sealed_records import chain, write_card

runner = CliRunner()


def run_import(place: Path, *options: str) -> Result:
    return runner.invoke(app, ["records", "import", str(place), *options])


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BMSRESCUE_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("BMSRESCUE_CONFIG", str(tmp_path / "none.toml"))


def test_whole_cards_end_well_and_again_bring_nothing(tmp_path: Path) -> None:
    write_card(tmp_path / "cards" / "one", chain("pocket-1", 4))
    write_card(tmp_path / "cards" / "two", chain("pocket-2", 6))
    done = run_import(tmp_path / "cards", "--json")
    assert (done.exit_code, [report["taken"]["new"] for report in json.loads(done.stdout)]) == (0, [4, 6])
    done = run_import(tmp_path / "cards", "--json")
    assert (done.exit_code, [report["taken"]["new"] for report in json.loads(done.stdout)]) == (0, [0, 0])


def test_a_broken_chain_is_told_with_its_place_and_ends_not_well(tmp_path: Path) -> None:
    lines = chain("pocket-1", 5)
    done = run_import(write_card(tmp_path / "card", lines[:2] + lines[3:]))
    assert done.exit_code == 1
    assert "Record 3 of" in done.stderr
    assert "does not follow the line before" in done.stderr


def test_counts_are_made_anew(tmp_path: Path) -> None:
    run_import(write_card(tmp_path / "card", chain("pocket-1", 4)))
    store = Store.open(sqlite_url(tmp_path / "data"))
    with store.write() as session:
        before = figures.outcomes(session)
        session.execute(update(DayCount).values(count=77))
    done = runner.invoke(app, ["records", "recount", "--json"])
    assert (done.exit_code, json.loads(done.stdout)) == (0, {"attempts": 4})
    with store.read() as session:
        assert figures.outcomes(session) == before
    store.close()


def test_a_place_without_cards_is_told(tmp_path: Path) -> None:
    assert isinstance(run_import(tmp_path / "nowhere").exception, UsageError)
