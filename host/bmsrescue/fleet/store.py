"""A store: opened by URL, brought up to date, read and written in transactions.

`sqlite:///file` is a site's own; `postgresql://` is what several sites share. Both have the same tables.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, NoSuchModuleError, OperationalError
from sqlalchemy.orm import Session

from bmsrescue.errors import HostError, UsageError
from bmsrescue.private import FOLDER_MODE, RECORDS_FILE, make_private_file

_BUSY_S = 30.0
_CONNECT_S = 5
_WRITES = "bmsrescue_writes"
# Any number that nothing else on the server uses: sites that start together migrate one after the other.
_MIGRATION_LOCK = 0x424D5352


class StoreError(HostError):
    """A store that cannot be opened, or is away just now."""


def sqlite_url(folder: Path) -> str:
    """The site's own store in its data folder."""
    return f"sqlite:///{folder / RECORDS_FILE}"


class Store:
    """Use `Store.open`."""

    def __init__(self, engine: Engine, only_read: bool = False) -> None:
        self.engine = engine
        self.only_read = only_read

    @classmethod
    def open(cls, url: str) -> Store:
        """Open a store and bring its tables up to date; a new one is made.

        Raises:
            UsageError: the URL is none of a store.
            StoreError: it cannot be reached, is no store, or was made by a newer bmsrescue.
        """
        return cls(_opened(url, _migrate))

    @classmethod
    def open_to_read(cls, url: str) -> Store:
        """Open a store that is there and change nothing in it: an account that may only read is enough.

        Raises:
            UsageError: the URL is none of a store.
            StoreError: it cannot be reached, is no store, or has not this version's tables.
        """
        return cls(_opened(url, _require_schema), only_read=True)

    @contextlib.contextmanager
    def read(self) -> Iterator[Session]:
        """A session that sees one state of the store. Raises StoreError when the server is away."""
        with _told_apart(self.engine), Session(self.engine) as session:
            yield session

    @contextlib.contextmanager
    def write(self) -> Iterator[Session]:
        """A transaction: kept whole at the end of the block, or undone whole. Raises StoreError as `read`."""
        if self.only_read:
            raise StoreError("this page only looks at the store", "Decide it at a bench.")
        with (
            _told_apart(self.engine),
            self.engine.connect().execution_options(**{_WRITES: True}) as connection,
            Session(connection) as session,
            session.begin(),
        ):
            yield session

    def close(self) -> None:
        self.engine.dispose()


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise UsageError("this is no URL of a store", "Write sqlite:///PATH or postgresql://HOST/NAME.") from error
    if parsed.get_backend_name() not in ("sqlite", "postgresql"):
        raise UsageError(f"records cannot be kept in {parsed.drivername}", "Use sqlite:/// or postgresql://.")
    return parsed.set(drivername="postgresql+psycopg") if parsed.drivername == "postgresql" else parsed


def _opened(url: str, prepare: Callable[[Engine], None]) -> Engine:
    """The engine of that store, once `prepare` has found it good."""
    engine = _make_engine(_parse(url))
    try:
        prepare(engine)
    except (OperationalError, DatabaseError) as error:
        engine.dispose()
        raise StoreError(f"cannot open {_shown(engine.url)}: {_reason(error)}", "Check the address.") from error
    except HostError:
        engine.dispose()
        raise
    return engine


def _make_engine(url: URL) -> Engine:
    try:
        if url.get_backend_name() == "postgresql":
            return create_engine(url, connect_args={"connect_timeout": _CONNECT_S}, pool_pre_ping=True)
        if url.database:
            Path(url.database).parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
            make_private_file(Path(url.database))
        engine = create_engine(url, connect_args={"timeout": _BUSY_S})
    except NoSuchModuleError as error:
        raise UsageError(f"there is no driver {url.drivername}", "Use sqlite:/// or postgresql://.") from error
    except OSError as error:
        raise StoreError(f"cannot make {url.database}: {error.strerror}", "Choose another folder.") from error
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    # The driver would begin transactions late and by itself; `_begin_sqlite` does it.
    connection.isolation_level = None
    connection.execute("PRAGMA journal_mode = WAL")
    # A ledger entry that a power cut took back could have been forwarded, and its number would be given twice.
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")


def _begin_sqlite(connection: Connection) -> None:
    # A writer takes its turn at once: one that began by reading could not become a writer any more.
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _scripts() -> tuple[AlembicConfig, ScriptDirectory]:
    config = AlembicConfig()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    return config, ScriptDirectory.from_config(config)


def _require_schema(engine: Engine) -> None:
    """Raises StoreError where the tables are not this version's."""
    wanted = set(_scripts()[1].get_heads())
    with engine.connect() as connection:
        present = set(MigrationContext.configure(connection).get_current_heads())
    if present != wanted:
        told = f"has schema {', '.join(sorted(present))}" if present else "has no records"
        raise StoreError(
            f"{_shown(engine.url)} {told}, this bmsrescue needs {', '.join(sorted(wanted))}",
            "Let a bench of this version forward to it first, or use the version that made it.",
        )


def _migrate(engine: Engine) -> None:
    config, scripts = _scripts()
    known = {script.revision for script in scripts.walk_revisions()}
    with engine.connect().execution_options(**{_WRITES: True}) as connection, _keys_off(connection), connection.begin():
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATION_LOCK})
        present = MigrationContext.configure(connection).get_current_heads()
        if not set(present) <= known:
            raise StoreError(
                f"{_shown(engine.url)} was made by a newer bmsrescue (schema {', '.join(present)})",
                "Bring this one up to date; nothing was changed.",
            )
        if set(present) != set(scripts.get_heads()):
            config.attributes["connection"] = connection
            command.upgrade(config, "heads")


@contextlib.contextmanager
def _keys_off(connection: Connection) -> Iterator[None]:
    """SQLite changes a constraint by making the table anew, which other tables' rows must not hinder."""
    driver: Any = connection.connection.driver_connection
    if connection.dialect.name != "sqlite":
        yield
        return
    driver.execute("PRAGMA foreign_keys = OFF")  # outside of any transaction, else it does nothing
    try:
        yield
    finally:
        driver.execute("PRAGMA foreign_keys = ON")


@contextlib.contextmanager
def _told_apart(engine: Engine) -> Iterator[None]:
    try:
        yield
    except OperationalError as error:
        raise StoreError(f"{_shown(engine.url)} is away: {_reason(error)}", "It is tried again.") from error


def _shown(url: URL) -> str:
    return url.database or "memory" if url.get_backend_name() == "sqlite" else url.render_as_string(hide_password=True)


def _reason(error: DatabaseError) -> str:
    return str(error.orig).strip().splitlines()[0] if error.orig is not None else "no reason given"
