"""A line's counts as they are kept by day and hour (`records.rollups`): the same time for any number of attempts.

Days are those of UTC, from one up to, but not with, another.
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bmsrescue.fleet.line.one_by_one import Counts
from bmsrescue.fleet.models import LineDay, LineHour, StationDay, StepDay


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
    sums = (LineDay.counted, LineDay.well, LineDay.first, LineDay.first_well, LineDay.total_ms)
    rows = session.execute(
        select(LineDay.value, *(func.sum(one) for one in sums))
        .where(LineDay.dimension == by, LineDay.day >= first, LineDay.day < after)
        .group_by(LineDay.value)
    )
    return {row[0]: tuple(map(int, row[1:])) for row in rows if row[1]}


def steps(session: Session, first: date, after: date) -> dict[str, dict[int, int]]:
    """By step: how many attempts spent a time of each bucket on it."""
    rows = session.execute(
        select(StepDay.step, StepDay.bucket, func.sum(StepDay.count))
        .where(StepDay.day >= first, StepDay.day < after)
        .group_by(StepDay.step, StepDay.bucket)
    )
    found: dict[str, dict[int, int]] = {}
    for step, bucket, count in rows:
        if count:
            found.setdefault(step, {})[bucket] = int(count)
    return found


def stations(
    session: Session, first: date, after: date, bench: str = "", station: str = ""
) -> dict[tuple[str, str], Counts]:
    """By bench and station: attempts, and the ms that it worked and waited for a person."""
    wanted = [StationDay.day >= first, StationDay.day < after]
    wanted += [StationDay.bench == bench] if bench else []
    wanted += [StationDay.station == station] if station else []
    sums = (StationDay.attempts, StationDay.working_ms, StationDay.waiting_ms)
    rows = session.execute(
        select(StationDay.bench, StationDay.station, *(func.sum(one) for one in sums))
        .where(*wanted)
        .group_by(StationDay.bench, StationDay.station)
    )
    return {(row[0], row[1]): tuple(map(int, row[2:])) for row in rows}
