"""What is counted by day is counted by month, too: a year is read from twelve rows of each count. Backups by age."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

_name = sa.String(length=64)
_big = sa.BigInteger()

_TABLES: dict[str, tuple[str, tuple[tuple[str, Any], ...], dict[str, str]]] = {
    "month_counts": (
        "day_counts",
        (("month", sa.Date()), ("outcome", _name), ("cause", _name), ("firmware", _name), ("shard", _big)),
        {"count": "sum"},
    ),
    "line_months": (
        "line_days",
        (("dimension", _name), ("month", sa.Date()), ("value", _name), ("shard", _big)),
        dict.fromkeys(("counted", "well", "first", "first_well", "back", "total_ms"), "sum"),
    ),
    "step_months": (
        "step_days",
        (("month", sa.Date()), ("step", _name), ("bucket", _big), ("shard", _big)),
        {"count": "sum"},
    ),
    "station_months": (
        "station_days",
        (("month", sa.Date()), ("bench", _name), ("station", _name)),
        dict.fromkeys(("attempts", "working_ms", "waiting_ms"), "sum"),
    ),
    "rail_months": (
        "rail_days",
        (("phase", _name), ("month", sa.Date()), ("bench", _name), ("station", _name), ("rail", _name)),
        {
            **dict.fromkeys(("count", "total_mv", "failed"), "sum"),
            **dict.fromkeys(("low_mv", "limit_low"), "min"),
            **dict.fromkeys(("high_mv", "limit_high"), "max"),
        },
    ),
}


def upgrade() -> None:
    month = (
        "date_trunc('month', day)::date"
        if op.get_bind().dialect.name == "postgresql"
        else "date(day, 'start of month')"
    )
    for name, (days, keys, values) in _TABLES.items():
        op.create_table(
            name,
            *(sa.Column(key, kind, autoincrement=False, nullable=False) for key, kind in keys),
            *(sa.Column(one, _big, nullable=one.startswith("limit")) for one in values),
            sa.PrimaryKeyConstraint(*(key for key, _kind in keys), name=f"pk_{name}"),
            sqlite_with_rowid=False,
        )
        into = ", ".join((*(key for key, _kind in keys), *values))
        told = [month if key == "month" else key for key, _kind in keys]
        told += [f"{how}({one})" for one, how in values.items()]
        grouped = ", ".join(str(number + 1) for number in range(len(keys)))
        op.execute(f"INSERT INTO {name} ({into}) SELECT {', '.join(told)} FROM {days} GROUP BY {grouped}")
    op.create_index("ix_backups_stored_at", "backups", ["stored_at"])
