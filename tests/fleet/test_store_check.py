"""Whoever may write to a store can put anything there: what helpers have not signed is found, and counts no more."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import delete, select, text, update
from typer.testing import CliRunner

from bmsrescue.cli import app
from bmsrescue.config import Config
from bmsrescue.fleet import figures, ledger
from bmsrescue.fleet.backups import BackupFolder
from bmsrescue.fleet.checking import check_store
from bmsrescue.fleet.fleet import Fleet
from bmsrescue.fleet.forward import Forwarder
from bmsrescue.fleet.ledger import News
from bmsrescue.fleet.models import Attempt, AuditEntry, DayCount, LedgerEntry, Measurement, SealedLine
from bmsrescue.fleet.records.cards import find_cards, import_card
from bmsrescue.fleet.records.projection import project
from bmsrescue.fleet.stations.hall import Hall
from bmsrescue.fleet.store import Store, sqlite_url
from bmsrescue.fleet.web.app import create_page
from bmsrescue.keys.pem import public_of
from bmsrescue.keys.store import KeyStore
from fake_station import NoHelpers
from p256_cases import derived_key
from rescuelink.seal import line_hash
from sealed_records import chain, signed, write_card

ONE, OLD = "e6614c311b7e8f2a", "e6614c311b000009"
KEY = derived_key(2001)
KEYS = {ONE: public_of(KEY)}
LINES = chain("helper-1", 6, helper_id=ONE, outcome="RECOVERED")


def fill(store: Store, folder: Path, lines: list[str], keys: dict[str, bytes]) -> None:
    """A card that a bench imports and forwards; the first of its lines are of before the helper had its key."""
    own = Store.open(sqlite_url(folder / "bench"))
    with own.write() as session:
        site = ledger.own_site(session, "hall 1")
    backups = BackupFolder(str(folder / "backups"))
    import_card(own, site, backups, find_cards(write_card(folder / "card", lines[:2]))[0])
    import_card(own, site, backups, find_cards(write_card(folder / "card", lines, signed(lines[2:], KEY)))[0], keys)
    forwarder = Forwarder(own, store, site, "hall 1")
    while forwarder.turn().more:
        pass
    own.close()


@pytest.fixture
def shared(store: Store, tmp_path: Path) -> Iterator[Store]:
    """Six records of a helper whose key is known, the last four signed, and two of one without a key."""
    fill(store, tmp_path / "one", LINES, KEYS)
    fill(store, tmp_path / "two", chain("helper-9", 2, helper_id=OLD, outcome="RECOVERED"), {})
    yield store


def counted(store: Store) -> dict[str, int]:
    with store.read() as session:
        return dict(figures.outcomes(session))


def test_a_store_as_benches_made_it_is_good_and_stays_as_it_is(shared: Store) -> None:
    """What a helper recorded before it had its key is named by the first record that it signed."""
    found = check_store(shared, KEYS)
    assert (found.attempts, found.signed, found.unknown, found.changed, found.good) == (8, 6, 2, 0, True), found
    assert counted(shared) == {"RECOVERED": 8}


def forged_attempt(session: Any) -> None:
    """As a bench would: a record in the helper's name through the program's own code."""
    line = chain("helper-1", 1, first=7, previous=line_hash(LINES[-1]), helper_id=ONE, outcome="RECOVERED")[0]
    site = session.scalar(select(LedgerEntry.bench).limit(1))
    content = {
        "helper": "helper-1", "sequence": 7, "sha256": line_hash(line), "time_source": "import", "follows": True,
        "signed": True, "signature": "00" * 64,
    }  # fmt: skip
    project(session, ledger.append(session, site, [News(ledger.ATTEMPT, content, line)]))


def stray_attempt(session: Any) -> None:
    """With SQL alone: a row that no ledger has brought."""
    columns = [column.name for column in Attempt.__table__.columns if column.name not in ("id", "sha256")]
    names = ", ".join(columns)
    sql = f"INSERT INTO attempts (id, sha256, {names}) SELECT 900, '{'ab' * 32}', {names} FROM attempts WHERE id = 1"
    session.execute(text(sql))


def other(table: Any, where: Any, **values: Any) -> Callable[[Any], None]:
    return lambda session: session.execute(update(table).where(where).values(**values))


CHANGES: dict[str, tuple[Callable[[Any], None], str]] = {
    "made up by a bench": (forged_attempt, "is not signed by its helper"),
    "made up with SQL": (stray_attempt, "its line is gone"),
    "another outcome": (other(Attempt, Attempt.sequence == 4, outcome="NOT_FIRMWARE"), "its outcome is not what"),
    "another cause": (other(Attempt, Attempt.sequence == 4, cause="no-vcap"), "its cause is not what"),
    "another station": (other(Attempt, Attempt.sequence == 4, station="right"), "its station is not what its bench"),
    "another rail": (other(Measurement, Measurement.attempt_id == 4, mv=1), "its rails are not what"),
    "another line": (
        other(SealedLine, SealedLine.attempt_id == 4, line=chain("x", 1)[0]), "its helper is not what|another record's",
    ),
}  # fmt: skip


@pytest.mark.parametrize("how", CHANGES)
def test_a_record_that_somebody_wrote_or_changed_is_named_and_counts_no_more(shared: Store, how: str) -> None:
    change, why = CHANGES[how]
    with shared.write() as session:
        change(session)
    only_looked = check_store(shared, KEYS, mark=False)
    assert (only_looked.wrong_count, only_looked.changed, only_looked.good) == (1, 0, False)
    found = check_store(shared, KEYS)
    assert any(part in found.wrong[0].why for part in why.split("|")), found.wrong
    with shared.read() as session:
        marked = session.execute(
            select(Attempt.signed, Attempt.taken_out).where(Attempt.sha256 == found.wrong[0].sha256)
        )
        assert [tuple(row) for row in marked] == [(False, True)]
        assert "records check" in session.scalars(select(AuditEntry.actor)).all()
    assert sum(counted(shared).values()) == (7 if "made up" not in how else 8)
    again = check_store(shared, KEYS)
    assert (again.wrong_count, again.changed, again.counts_differ) == (1, 0, False), "the same, and nothing new"


def test_what_was_put_right_counts_again(shared: Store) -> None:
    with shared.write() as session:
        session.execute(update(Attempt).where(Attempt.sequence == 4).values(cause="no-vcap"))
        cause = json.loads(LINES[3])["diagnosis"]["cause"]
    assert check_store(shared, KEYS).changed == 1
    with shared.write() as session:
        session.execute(update(Attempt).where(Attempt.sequence == 4).values(cause=cause))
    found = check_store(shared, KEYS)
    assert (found.wrong_count, found.changed) == (0, 1)
    assert check_store(shared, KEYS).good
    assert counted(shared) == {"RECOVERED": 8}


def test_a_unit_that_nobody_has_taken_out_counts_again(shared: Store) -> None:
    with shared.write() as session:
        session.execute(update(Attempt).where(Attempt.sequence == 4).values(taken_out=True))
    found = check_store(shared, KEYS)
    assert found.wrong[0].why == "nobody has taken its unit out, as its row says"
    assert check_store(shared, KEYS).good
    assert counted(shared) == {"RECOVERED": 8}


def test_counts_that_are_not_those_of_the_records_are_made_anew(shared: Store) -> None:
    with shared.write() as session:
        session.execute(update(DayCount).values(count=77))
    assert check_store(shared, KEYS).counts_differ
    assert counted(shared) == {"RECOVERED": 8}


def test_a_changed_ledger_and_a_record_that_is_gone_are_told(shared: Store) -> None:
    with shared.write() as session:
        for table in (SealedLine, Measurement):
            session.execute(delete(table).where(table.attempt_id == 5))
        session.execute(text("DELETE FROM courses WHERE attempt_id = 5"))
        session.execute(delete(Attempt).where(Attempt.id == 5))
        session.execute(update(LedgerEntry).where(LedgerEntry.number == 2).values(kind="other"))
    found = check_store(shared, KEYS)
    assert found.lost >= 1
    assert "was changed at entry 2" in found.ledgers[0]


def test_where_signed_ones_only_count_a_helper_without_a_known_key_does_not(shared: Store) -> None:
    found = check_store(shared, KEYS, signed_only=True)
    assert (found.wrong_count, counted(shared)) == (2, {"RECOVERED": 6})


def test_the_command_and_the_report_say_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BMSRESCUE_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("BMSRESCUE_CONFIG", str(tmp_path / "none.toml"))
    KeyStore(tmp_path / "data" / "keys").know_helper(ONE, KEYS[ONE])
    url = f"sqlite:///{tmp_path / 'shared.sqlite3'}"
    store = Store.open(url)
    fill(store, tmp_path / "one", LINES, KEYS)
    assert CliRunner().invoke(app, ["records", "check", "--store", url]).exit_code == 0
    with store.write() as session:
        session.execute(update(Attempt).where(Attempt.sequence == 4).values(outcome="NOT_FIRMWARE"))
    fleet = Fleet(Config(), tmp_path / "data", url)
    helpers = NoHelpers()
    app_of_it = create_page(fleet, Hall(helpers, fleet.desk), helpers.events)  # type: ignore[arg-type]
    served = TestClient(app_of_it, client=("127.0.0.1", 50000))
    report = served.get(f"/attempts/{line_hash(LINES[3])}").text
    assert "does not verify" in report
    assert "its outcome is not what the line says" in report
    assert "verified just now" in served.get(f"/attempts/{line_hash(LINES[4])}").text
    said = CliRunner().invoke(app, ["records", "check", "--store", url])
    assert (said.exit_code, "1 do not verify" in said.stdout) == (1, True)
    assert "its outcome is not what the line says" in said.stderr
    fleet.store.close()
    store.close()
