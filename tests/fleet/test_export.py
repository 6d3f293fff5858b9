"""Every attempt comes out of a store again, for spreadsheets and programs; DuckDB reads the Parquet files."""

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from sqlalchemy import select

from bmsrescue.fleet import export, ledger, lookup
from bmsrescue.fleet.models import Attempt
from bmsrescue.fleet.records.taking import IMPORT, LineTaker
from bmsrescue.fleet.store import Store
from sealed_records import chain

_AT = datetime(2026, 3, 1, 23, 59, 59, 123_457, tzinfo=UTC)


@pytest.fixture
def filled(store: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Attempts with and without what may be missing, one of them long ago; read in pieces smaller than they are."""
    monkeypatch.setattr(lookup, "_PIECE", 7)
    lines = [*chain("=h1", 20), *chain("h2", 1, unit={}, job={}, power_cycles=None, resumed={"sector": 3})]
    with store.write() as session:
        bench = ledger.own_site(session)
        monkeypatch.setattr(ledger, "now", lambda: _AT - timedelta(days=400))
        LineTaker("test", IMPORT).take(session, bench, chain("old", 1))
        monkeypatch.setattr(ledger, "now", lambda: _AT)
        LineTaker("test", IMPORT).take(session, bench, lines)
    return store


def parquet(store: Store, folder: Path, since: datetime | None = None) -> duckdb.DuckDBPyRelation:
    path = folder / "attempts.parquet"
    with store.read() as session:
        path.write_bytes(b"".join(export.as_parquet(session, since)))
    return duckdb.from_parquet(str(path))


def test_a_parquet_file_has_every_attempt_with_its_types(filled: Store, tmp_path: Path) -> None:
    found = parquet(filled, tmp_path)
    kinds = dict(zip(found.columns, map(str, found.types), strict=True))
    assert list(kinds) == list(lookup.COLUMNS)
    assert (kinds["sequence"], kinds["resumed"], kinds["at"]) == ("BIGINT", "BOOLEAN", "TIMESTAMP WITH TIME ZONE")
    assert (kinds["helper"], kinds["uid"], kinds["duration_ms"]) == ("VARCHAR", "VARCHAR", "BIGINT")
    columns = 'helper, sequence, epoch_us("at"), duration_ms, power_cycles, resumed, uid, cause'
    told = found.project(columns).fetchall()
    with filled.read() as session:
        epoch, microsecond = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
        wanted = [
            (row.helper, row.sequence, (row.at - epoch) // microsecond, row.duration_ms, row.power_cycles, row.resumed)
            for row in session.scalars(select(Attempt).order_by(Attempt.id))
        ]
    assert [row[:6] for row in told] == wanted
    assert [row[6] is None for row in told] == 21 * [False] + [True]
    assert told[1][2] % 1_000_000 == 123_457


def test_a_parquet_file_of_nothing_has_its_columns(filled: Store, tmp_path: Path) -> None:
    found = parquet(filled, tmp_path, _AT + timedelta(days=1))
    assert found.columns == list(lookup.COLUMNS)
    assert found.fetchall() == []


def test_all_exports_agree(filled: Store, tmp_path: Path) -> None:
    since = _AT - timedelta(days=30)
    with filled.read() as session:
        table = list(csv.DictReader(io.StringIO("".join(export.as_csv(session, since)))))
        lines = [json.loads(line) for line in b"".join(export.as_json_lines(session, since)).splitlines()]
    typed = parquet(filled, tmp_path, since).project("helper, sequence, cause").fetchall()
    assert [(line["helper"], line["sequence"], line["cause"]) for line in lines] == typed
    assert [(row["helper"].removeprefix("'"), int(row["sequence"]), row["cause"]) for row in table] == typed
    assert table[0]["helper"] == "'=h1"
    assert {row["at"] for row in table} == {line["at"] for line in lines} == {_AT.isoformat()}


def test_an_export_reads_no_further_than_it_is_asked(filled: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = []

    def counted(*arguments: Any) -> Iterator[Any]:
        for piece in lookup.all_pieces(*arguments):
            taken.append(len(piece))
            yield piece

    monkeypatch.setattr(export, "all_pieces", counted)
    with filled.read() as session:
        next(export.as_json_lines(session, None))
    assert taken == [7]
