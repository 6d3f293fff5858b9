"""INSERT ... ON CONFLICT, which SQLite and PostgreSQL spell the same and SQLAlchemy keeps per dialect."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from bmsrescue.fleet.models import Base

Row = dict[str, Any]


def insert_new(session: Session, table: type[Base], rows: Sequence[Row]) -> None:
    """Insert those rows whose key is not there yet."""
    if rows:
        session.execute(_insert(session, table).on_conflict_do_nothing(), list(rows))


def insert_or_replace(session: Session, table: type[Base], rows: Sequence[Row]) -> None:
    """Insert the rows, each in place of one with the same primary key."""
    if not rows:
        return
    keys = [column.name for column in table.__table__.primary_key]
    statement = _insert(session, table)
    others = {name: statement.excluded[name] for name in rows[0] if name not in keys}
    session.execute(statement.on_conflict_do_update(index_elements=keys, set_=others), list(rows))


def insert_new_returning(session: Session, table: type[Base], rows: Sequence[Row], *columns: Any) -> list[Any]:
    """Insert those rows whose key is not there yet, and say which (`columns` of each, in any order)."""
    if not rows:
        return []
    statement = _insert(session, table).on_conflict_do_nothing().returning(*columns)
    return list(session.execute(statement, list(rows)))


def _insert(session: Session, table: type[Base]) -> Any:
    dialect = session.get_bind().dialect.name
    return (postgresql if dialect == "postgresql" else sqlite).insert(table)
