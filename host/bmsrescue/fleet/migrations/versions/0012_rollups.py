"""What the line and the figures are read from, counted by day; the first attempt of each unit is marked."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.orm import Session

from bmsrescue.fleet.records.rollups import count_anew

revision = "0012"
down_revision = "0011"

_name = sa.String(length=64)
_moment = sa.DateTime(timezone=True)

_TABLES: dict[str, tuple[tuple[tuple[str, Any], ...], tuple[str, ...]]] = {
    "day_counts": (
        (("day", sa.Date()), ("outcome", _name), ("cause", _name), ("firmware", _name), ("shard", sa.BigInteger())),
        ("count",),
    ),
    "line_days": (
        (("dimension", _name), ("day", sa.Date()), ("value", _name), ("shard", sa.BigInteger())),
        ("counted", "well", "first", "first_well", "back", "total_ms"),
    ),
    "line_hours": ((("hour", _moment), ("shard", sa.BigInteger())), ("counted", "well")),
    "step_days": (
        (("day", sa.Date()), ("step", _name), ("bucket", sa.BigInteger()), ("shard", sa.BigInteger())),
        ("count",),
    ),
    "station_days": (
        (("day", sa.Date()), ("bench", _name), ("station", _name)),
        ("attempts", "working_ms", "waiting_ms"),
    ),
}
_INDEXES = {
    "ix_attempts_bench_at": ["bench", "at"],
    "ix_attempts_station_id": ["station", "id"],
}


def upgrade() -> None:
    op.add_column("attempts", sa.Column("first", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.drop_index("ix_attempts_station", "attempts")
    for name, columns in _INDEXES.items():
        op.create_index(name, "attempts", columns)
    op.drop_table("day_counts")
    for name, (keys, sums) in _TABLES.items():
        op.create_table(
            name,
            *(sa.Column(key, kind, autoincrement=False, nullable=False) for key, kind in keys),
            *(sa.Column(one, sa.BigInteger(), nullable=False) for one in sums),
            sa.PrimaryKeyConstraint(*(key for key, _kind in keys), name=f"pk_{name}"),
            sqlite_with_rowid=False,
        )
    _rails_by_phase_first()
    count_anew(Session(op.get_bind()), by_month=False)


def _rails_by_phase_first() -> None:
    """A view reads the rails of one phase over many days: they lie together now."""
    keys = ("phase", "day", "bench", "station", "rail")
    sums = ("count", "total_mv", "low_mv", "high_mv", "limit_low", "limit_high", "failed")
    names = ", ".join((*keys, *sums))
    op.rename_table("rail_days", "rail_days_before")
    op.create_table(
        "rail_days",
        *(sa.Column(key, sa.Date() if key == "day" else _name, nullable=False) for key in keys),
        *(sa.Column(one, sa.BigInteger(), nullable=one.startswith("limit")) for one in sums),
        sa.PrimaryKeyConstraint(*keys, name="pk_rail_days_by_phase"),
        sqlite_with_rowid=False,
    )
    op.execute(f"INSERT INTO rail_days ({names}) SELECT {names} FROM rail_days_before")
    op.drop_table("rail_days_before")
