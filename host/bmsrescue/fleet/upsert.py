"""Many rows at once; and INSERT ... ON CONFLICT, which SQLite and PostgreSQL spell the same, SQLAlchemy per dialect.

All of it goes to the tables: the mapped classes would sort the rows by which of their values are None.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import psycopg
from sqlalchemy import ColumnElement, Connection, Table, case, func
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from bmsrescue.fleet.models import Base
from bmsrescue.fleet.models.base import UtcTime

Row = dict[str, Any]
PlainRow = tuple[Any, ...]


def insert_plain(session: Session, table: type[Base], columns: Sequence[str], rows: Sequence[PlainRow]) -> None:
    """Insert rows of plain values, as fast as the driver can: COPY on PostgreSQL.

    Plain are integers, text, bool, None, JSON as text, and moments that `plain_times` has made so.
    """
    if not rows:
        return
    connection = session.connection()
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(_insert_into(table, columns), list(rows))
        return
    driver: psycopg.Connection[Any] = connection.connection.driver_connection  # type: ignore[assignment]
    statement = f"COPY {_table(table).name} ({', '.join(columns)}) FROM STDIN"
    with driver.cursor() as cursor, cursor.copy(statement.encode()) as copy:
        for row in rows:
            copy.write_row(row)


def insert_plain_new_numbered(
    session: Session, table: type[Base], columns: Sequence[str], rows: Sequence[PlainRow], keys: Sequence[str]
) -> dict[tuple[Any, ...], int]:
    """Insert those rows of plain values whose key is not there yet; the `id` of each that came, by its `keys`."""
    if not rows:
        return {}
    connection = session.connection()
    name, told = _table(table).name, ", ".join((*keys, "id"))
    if connection.dialect.name == "sqlite":
        # Nobody else writes meanwhile, and SQLite numbers a new row after the last.
        last = connection.exec_driver_sql(f"SELECT coalesce(max(id), 0) FROM {name}").scalar()
        connection.exec_driver_sql(_insert_into(table, columns) + " ON CONFLICT DO NOTHING", list(rows))
        found = connection.exec_driver_sql(f"SELECT {told} FROM {name} WHERE id > ?", (last,))
    else:
        statement = f"{_insert_arrays(connection, table, columns)} RETURNING {told}"
        found = connection.exec_driver_sql(statement, _turned(rows))
    return {tuple(row[:-1]): row[-1] for row in found}


def plain_times(session: Session, moments: Iterable[datetime]) -> dict[datetime, Any]:
    """Each of these moments as a plain value of the store."""
    dialect = session.get_bind().dialect
    process = UtcTime().dialect_impl(dialect).bind_processor(dialect)
    return {at: process(at) if process else at for at in set(moments)}


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


def insert_or_merge(
    session: Session,
    table: type[Base],
    rows: Sequence[Row],
    added: Sequence[str] = (),
    least: Sequence[str] = (),
    most: Sequence[str] = (),
) -> None:
    """Insert the rows; into one with the same primary key they are merged: columns added up, the least, the most."""
    if not rows:
        return
    old = _table(table).columns
    statement = _insert(session, table)
    new = statement.excluded
    merged: dict[str, ColumnElement[Any]] = {name: old[name] + new[name] for name in added}
    # `coalesce`: what is not known gives way to what is.
    merged |= {one: case((new[one] < old[one], new[one]), else_=func.coalesce(old[one], new[one])) for one in least}
    merged |= {one: case((new[one] > old[one], new[one]), else_=func.coalesce(old[one], new[one])) for one in most}
    keys = [column.name for column in _table(table).primary_key]
    session.connection().execute(statement.on_conflict_do_update(index_elements=keys, set_=merged), list(rows))


def _insert(session: Session, table: type[Base]) -> Any:
    dialect = session.get_bind().dialect.name
    return (postgresql if dialect == "postgresql" else sqlite).insert(_table(table))


def _insert_into(table: type[Base], columns: Sequence[str]) -> str:
    return f"INSERT INTO {_table(table).name} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"


def _insert_arrays(connection: Connection, table: type[Base], columns: Sequence[str]) -> str:
    """One statement for any number of rows, each column an array: it is parsed and planned once per connection."""
    types = [_table(table).columns[name].type.compile(connection.dialect) for name in columns]
    arrays = ", ".join(f"%s::{one}[]" for one in types)
    into = f"{_table(table).name} ({', '.join(columns)})"
    return f"INSERT INTO {into} SELECT * FROM unnest({arrays}) ON CONFLICT DO NOTHING"


def _turned(rows: Sequence[PlainRow]) -> tuple[list[Any], ...]:
    return tuple(list(column) for column in zip(*rows, strict=True))


def _table(table: type[Base]) -> Table:
    found = table.__table__
    if not isinstance(found, Table):
        raise TypeError(f"{table.__name__} is no table of its own")
    return found
