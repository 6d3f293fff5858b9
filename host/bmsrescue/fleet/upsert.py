"""Many rows at once; and INSERT ... ON CONFLICT, which SQLite and PostgreSQL spell the same, SQLAlchemy per dialect.

All of it goes to the tables: the mapped classes would sort the rows by which of their values are None.
"""

from collections.abc import Sequence
from typing import Any

import psycopg
from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from bmsrescue.fleet.models import Base

Row = dict[str, Any]


def insert_all(session: Session, table: type[Base], rows: Sequence[Row]) -> None:
    """Insert rows that all have the same columns."""
    if rows:
        session.connection().execute(_table(table).insert(), list(rows))


def insert_plain(session: Session, table: type[Base], columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert rows of nothing but integers, text and None, as fast as the driver can: COPY on PostgreSQL."""
    if not rows:
        return
    connection = session.connection()
    names = ", ".join(columns)
    if connection.dialect.name == "postgresql":
        driver: psycopg.Connection[Any] = connection.connection.driver_connection  # type: ignore[assignment]
        statement = f"COPY {_table(table).name} ({names}) FROM STDIN"
        with driver.cursor() as cursor, cursor.copy(statement.encode()) as copy:
            for row in rows:
                copy.write_row(row)
        return
    places = ", ".join("?" * len(columns))
    connection.exec_driver_sql(f"INSERT INTO {_table(table).name} ({names}) VALUES ({places})", list(rows))


def insert_new(session: Session, table: type[Base], rows: Sequence[Row]) -> None:
    """Insert those rows whose key is not there yet."""
    if rows:
        session.connection().execute(_insert(session, table).on_conflict_do_nothing(), list(rows))


def insert_or_replace(session: Session, table: type[Base], rows: Sequence[Row]) -> None:
    """Insert the rows, each in place of one with the same primary key."""
    if not rows:
        return
    keys = [column.name for column in _table(table).primary_key]
    statement = _insert(session, table)
    others = {name: statement.excluded[name] for name in rows[0] if name not in keys}
    session.connection().execute(statement.on_conflict_do_update(index_elements=keys, set_=others), list(rows))


def insert_new_returning(session: Session, table: type[Base], rows: Sequence[Row], *columns: Any) -> list[Any]:
    """Insert those rows whose key is not there yet, and say which (`columns` of each, in any order)."""
    if not rows:
        return []
    statement = _insert(session, table).on_conflict_do_nothing().returning(*columns)
    return list(session.connection().execute(statement, list(rows)))


def _insert(session: Session, table: type[Base]) -> Any:
    dialect = session.get_bind().dialect.name
    return (postgresql if dialect == "postgresql" else sqlite).insert(_table(table))


def _table(table: type[Base]) -> Table:
    found = table.__table__
    if not isinstance(found, Table):
        raise TypeError(f"{table.__name__} is no table of its own")
    return found
