"""A line's counts as they are kept by month, day and hour (`records.rollups`), however many attempts there are.

Days are those of UTC, from one up to, but not with, another.
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bmsrescue.fleet.line.one_by_one import Counts
from bmsrescue.fleet.models import LineDay, LineHour, LineMonth, StationDay, StationMonth, StepDay, StepMonth
from bmsrescue.fleet.spans import counts_over, span_of


def hours(session: Session, begin: datetime, end: datetime) -> dict[datetime, Counts]:
    """By hour (UTC) from `begin` on: how many count, and ended well."""
    rows = session.execute(
        select(LineHour.hour, func.sum(LineHour.counted), func.sum(LineHour.well))
        .where(LineHour.hour >= begin, LineHour.hour < end)
        .group_by(LineHour.hour)
    )
    return {row[0]: (int(row[1]), int(row[2])) for row in rows if row[1]}


def groups(session: Session, first: date, after: date, by: str) -> dict[str, Counts]:
    """By value: how many count, ended well, were their unit's first, of these ended well, and their ms."""
    sums = ("counted", "well", "first", "first_well", "total_ms")
    of = counts_over(LineDay, LineMonth, ("value",), sums, span_of(first, after), dimension=by)
    rows = session.execute(select(of.c.value, *(func.sum(of.c[name]) for name in sums)).group_by(of.c.value))
    return {row[0]: tuple(map(int, row[1:])) for row in rows if row[1]}


def count(session: Session, first: date, after: date, by: str, value: str) -> int:
    """How many count that have this value."""
    of = counts_over(LineDay, LineMonth, (), ("counted",), span_of(first, after), dimension=by, value=value)
    return int(session.scalar(select(func.sum(of.c.counted))) or 0)


def steps(session: Session, first: date, after: date) -> dict[str, dict[int, int]]:
    """By step: how many attempts spent a time of each bucket on it."""
    of = counts_over(StepDay, StepMonth, ("step", "bucket"), ("count",), span_of(first, after))
    rows = session.execute(select(of.c.step, of.c.bucket, func.sum(of.c.count)).group_by(of.c.step, of.c.bucket))
    found: dict[str, dict[int, int]] = {}
    for step, bucket, count in rows:
        if count:
            found.setdefault(step, {})[bucket] = int(count)
    return found


def stations(
    session: Session, first: date, after: date, bench: str = "", station: str = ""
) -> dict[tuple[str, str], Counts]:
    """By bench and station: attempts, and the ms that it worked and waited for a person."""
    like = ({"bench": bench} if bench else {}) | ({"station": station} if station else {})
    sums = ("attempts", "working_ms", "waiting_ms")
    of = counts_over(StationDay, StationMonth, ("bench", "station"), sums, span_of(first, after), **like)
    rows = session.execute(
        select(of.c.bench, of.c.station, *(func.sum(of.c[name]) for name in sums)).group_by(of.c.bench, of.c.station)
    )
    return {(row[0], row[1]): tuple(map(int, row[2:])) for row in rows if row[2]}
