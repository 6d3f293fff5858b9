"""A store is made, brought up to date, and refused when it is none."""

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text

from bmsrescue.errors import UsageError
from bmsrescue.fleet.models import Base
from bmsrescue.fleet.store import Store, StoreError, sqlite_url


def test_the_migrations_make_the_tables_that_the_program_uses(store: Store) -> None:
    with store.engine.connect() as connection:
        found = compare_metadata(MigrationContext.configure(connection), Base.metadata)
    # Indexes for parts of a text are there where PostgreSQL has pg_trgm.
    assert [one for one in found if not (one[0] == "remove_index" and one[1].name.endswith("_parts"))] == []


def test_parts_of_labels_and_identities_are_found_by_an_index_of_postgresql(store: Store) -> None:
    if store.engine.dialect.name != "postgresql":
        pytest.skip("SQLite has no such index")
    with store.engine.connect() as connection:
        named = connection.scalars(text("SELECT indexname FROM pg_indexes WHERE indexname LIKE '%\\_parts'")).all()
    assert sorted(named) == ["ix_unit_labels_label_parts", "ix_units_uid_parts"]


def test_a_store_opens_again_and_its_schema_stays(store: Store, store_url: str) -> None:
    again = Store.open(store_url)
    with again.engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM alembic_version")) == 1
    again.close()


def test_a_store_of_a_newer_program_is_refused_and_left_alone(store: Store, store_url: str) -> None:
    with store.write() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match=r"newer bmsrescue \(schema 9999\)"):
        Store.open(store_url)
    with store.read() as session:
        assert session.scalar(text("SELECT version_num FROM alembic_version")) == "9999"


def test_a_file_that_is_no_store_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "records.sqlite3"
    path.write_bytes(b"no database at all, but some text " * 100)
    with pytest.raises(StoreError, match="cannot open"):
        Store.open(sqlite_url(tmp_path))
    assert path.read_bytes().startswith(b"no database")


@pytest.mark.parametrize("url", ["", "mysql://host/name", "records", "oracle+none://x"])
def test_an_url_of_something_else_is_a_usage_error(url: str) -> None:
    with pytest.raises(UsageError):
        Store.open(url)


def test_a_server_that_is_away_is_told_without_its_password() -> None:
    with pytest.raises(StoreError) as refused:
        Store.open("postgresql://bench:secret@127.0.0.1:1/records")
    assert "secret" not in refused.value.message


def test_sqlite_keeps_what_was_committed_through_a_power_cut(tmp_path: Path) -> None:
    store = Store.open(sqlite_url(tmp_path))
    with store.read() as session:
        assert session.scalar(text("PRAGMA journal_mode")) == "wal"
        assert session.scalar(text("PRAGMA synchronous")) == 2  # FULL
        assert session.scalar(text("PRAGMA foreign_keys")) == 1
    store.close()
