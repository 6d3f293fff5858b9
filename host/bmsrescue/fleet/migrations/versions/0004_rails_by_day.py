"""Rails counted by day and station; a unit's attempts found in their order."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.drop_index("ix_attempts_unit_id_at", "attempts")
    op.create_index("ix_attempts_unit_id_id", "attempts", ["unit_id", "id", "outcome", "at"])
    op.create_table(
        "rail_days",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("bench", sa.String(length=64), nullable=False),
        sa.Column("station", sa.String(length=64), nullable=False),
        sa.Column("phase", sa.String(length=64), nullable=False),
        sa.Column("rail", sa.String(length=64), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("total_mv", sa.BigInteger(), nullable=False),
        sa.Column("low_mv", sa.BigInteger(), nullable=False),
        sa.Column("high_mv", sa.BigInteger(), nullable=False),
        sa.Column("limit_low", sa.BigInteger(), nullable=True),
        sa.Column("limit_high", sa.BigInteger(), nullable=True),
        sa.Column("failed", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("day", "bench", "station", "phase", "rail", name="pk_rail_days"),
        sqlite_with_rowid=False,
    )
    day = "(a.at AT TIME ZONE 'UTC')::date" if op.get_bind().dialect.name == "postgresql" else "date(a.at)"
    op.execute(
        "INSERT INTO rail_days (day, bench, station, phase, rail, count, total_mv, low_mv, high_mv, limit_low, "
        f"limit_high, failed) SELECT {day}, a.bench, coalesce(a.station, a.helper), m.phase, m.rail, count(*), "
        "sum(m.mv), min(m.mv), max(m.mv), min(m.limit_low), max(m.limit_high), "
        "count(*) FILTER (WHERE m.verdict = 'fail') "
        "FROM measurements m JOIN attempts a ON a.id = m.attempt_id GROUP BY 1, 2, 3, 4, 5"
    )
