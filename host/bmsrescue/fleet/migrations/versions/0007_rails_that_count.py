"""Rails by day without the attempts that do not count."""

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.execute("DELETE FROM rail_days")
    day = "(a.at AT TIME ZONE 'UTC')::date" if op.get_bind().dialect.name == "postgresql" else "date(a.at)"
    # Records of before this have no number of their helper: its name stands for it.
    op.execute(
        "INSERT INTO rail_days (day, bench, station, phase, rail, count, total_mv, low_mv, high_mv, limit_low, "
        f"limit_high, failed) SELECT {day}, a.bench, coalesce(a.station, a.helper), m.phase, m.rail, count(*), "
        "sum(m.mv), min(m.mv), max(m.mv), min(m.limit_low), max(m.limit_high), "
        "count(*) FILTER (WHERE m.verdict = 'fail') "
        "FROM measurements m JOIN attempts a ON a.id = m.attempt_id "
        "WHERE NOT a.taken_out AND a.outcome NOT IN ('TOOL_ERROR', 'CHECK_WIRES', 'ABORTED') GROUP BY 1, 2, 3, 4, 5"
    )
