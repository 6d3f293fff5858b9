"""Counts by day, the firmware that a unit carried, consents in records; measurements without what slows imports."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from bmsrescue.fleet.records.consents import CONSENT, consent_of
from bmsrescue.fleet.records.fields import clean
from bmsrescue.fleet.records.firmware import firmware_before

revision = "0003"
down_revision = "0002"

_LINES_AT_ONCE = 500
_NAME_LENGTH = 64
_json = sa.JSON().with_variant(JSONB(), "postgresql")
_row = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("attempts", sa.Column("firmware", sa.String(length=64), nullable=True))
    op.create_table(
        "recorded_consents",
        sa.Column("attempt_id", _row, autoincrement=False, nullable=False),
        sa.Column("words", _json, nullable=False),
        sa.Column("scope", sa.String(length=400), nullable=True),
        sa.Column("said_by", sa.String(length=64), nullable=True),
        sa.Column("given", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["attempt_id"], ["attempts.id"], name="fk_recorded_consents_attempt_id_attempts"),
        sa.PrimaryKeyConstraint("attempt_id", name="pk_recorded_consents"),
    )
    op.create_table(
        "day_counts",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("bench", sa.String(length=64), nullable=False),
        sa.Column("outcome", sa.String(length=64), nullable=False),
        sa.Column("cause", sa.String(length=64), nullable=False),
        sa.Column("firmware", sa.String(length=64), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("day", "bench", "outcome", "cause", "firmware", name="pk_day_counts"),
        sqlite_with_rowid=False,
    )
    op.drop_index("ix_measurements_rail_phase", "measurements")
    if op.get_bind().dialect.name == "postgresql":
        _on_postgresql()
    else:
        _on_sqlite()
    _fill()


def _on_postgresql() -> None:
    op.drop_constraint("fk_measurements_attempt_id_attempts", "measurements", type_="foreignkey")
    methods = op.get_bind().scalar(sa.text("SELECT enumvals FROM pg_settings WHERE name = 'default_toast_compression'"))
    if "lz4" in (methods or ()):
        op.execute("ALTER TABLE sealed_lines ALTER COLUMN line SET COMPRESSION lz4")


def _on_sqlite() -> None:
    columns = (
        sa.Column("attempt_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("phase", sa.String(length=64), nullable=False),
        sa.Column("rail", sa.String(length=64), nullable=False),
        sa.Column("mv", sa.BigInteger(), nullable=False),
        sa.Column("min_mv", sa.BigInteger(), nullable=True),
        sa.Column("max_mv", sa.BigInteger(), nullable=True),
        sa.Column("limit_low", sa.BigInteger(), nullable=True),
        sa.Column("limit_high", sa.BigInteger(), nullable=True),
        sa.Column("uncertainty", sa.BigInteger(), nullable=False),
        sa.Column("verdict", sa.String(length=64), nullable=False),
    )
    key = sa.PrimaryKeyConstraint("attempt_id", "phase", "rail", name="pk_measurements")
    op.rename_table("measurements", "measurements_before")
    op.create_table("measurements", *columns, key, sqlite_with_rowid=False)
    names = ", ".join(column.name for column in columns)
    op.execute(f"INSERT INTO measurements ({names}) SELECT {names} FROM measurements_before ORDER BY 1, 2, 3")
    op.drop_table("measurements_before")


def _fill() -> None:
    """From what is in the store already."""
    bind = op.get_bind()
    lines = sa.text(
        "SELECT attempt_id, line FROM sealed_lines WHERE attempt_id > :after ORDER BY attempt_id LIMIT :count"
    )
    firmware = sa.text("UPDATE attempts SET firmware = :firmware WHERE id = :id")
    consents = sa.table(
        "recorded_consents",
        *(sa.column(name, kind) for name, kind in (("attempt_id", _row), ("words", _json))),
        sa.column("scope"),
        sa.column("said_by"),
        sa.column("given"),
    )
    after = 0
    while piece := bind.execute(lines, {"after": after, "count": _LINES_AT_ONCE}).all():
        records: dict[int, dict[str, Any]] = {number: json.loads(line) for number, line in piece}
        carried = {number: clean(firmware_before(record), _NAME_LENGTH) for number, record in records.items()}
        known = [{"id": number, "firmware": text} for number, text in carried.items() if text]
        if known:
            bind.execute(firmware, known)
        recorded = [
            {"attempt_id": number, "words": json.loads(found[0]), **dict(zip(CONSENT[1:], found[1:], strict=True))}
            for number, record in records.items()
            if (found := consent_of(record)) is not None
        ]
        if recorded:
            bind.execute(consents.insert(), recorded)
        after = piece[-1][0]
    day = "(at AT TIME ZONE 'UTC')::date" if bind.dialect.name == "postgresql" else "date(at)"
    op.execute(
        "INSERT INTO day_counts (day, bench, outcome, cause, firmware, count) "
        f"SELECT {day}, bench, outcome, cause, coalesce(firmware, ''), count(*) FROM attempts GROUP BY 1, 2, 3, 4, 5"
    )
