"""A line's counts from its attempts themselves: with filters, and where a day of the site is no whole day of UTC.

What comes out adds up with what `line.kept` reads from the counts by day.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Integer, and_, cast, extract, func, select
from sqlalchemy.orm import Session

from bmsrescue.fleet.line.filters import BY_ATTEMPT, BY_CARD
from bmsrescue.fleet.models import Attempt, Course, Unit, UnitCard
from bmsrescue.fleet.records.rollups import BREAK_MS
from bmsrescue.fleet.records.which_count import GOOD

Counts = tuple[int, ...]
Wanted = Sequence[ColumnElement[bool]]
_HOUR_S = 3600
_LOOK_BACK = timedelta(hours=2)  # a wait that counts and the job after it are shorter by far
_MS = timedelta(milliseconds=1)


def hours(session: Session, wanted: Wanted) -> dict[datetime, Counts]:
    """By hour (UTC): how many count, and ended well."""
    epoch = extract("epoch", Attempt.at)
    if session.get_bind().dialect.name == "postgresql":
        bucket: ColumnElement[Any] = cast(func.floor(epoch / _HOUR_S), Integer)
    else:
        bucket = cast(epoch, Integer).op("/")(_HOUR_S)
    rows = session.execute(
        select(bucket, func.count(), func.count().filter(Attempt.outcome.in_(GOOD))).where(*wanted).group_by(bucket)
    )
    return {datetime.fromtimestamp(int(row[0]) * _HOUR_S, UTC): (row[1], row[2]) for row in rows}


def groups(session: Session, wanted: Wanted, by: str) -> dict[str, Counts]:
    """By value: how many count, ended well, were their unit's first, of these ended well, and their ms."""
    value: Any
    each = select()
    if by in BY_CARD:
        value = BY_CARD[by][1]
        each = each.join_from(Attempt, UnitCard, UnitCard.unit_id == Attempt.unit_id, isouter=True)
    elif by == "chip":
        value = Unit.chip
        each = each.join_from(Attempt, Unit, Unit.id == Attempt.unit_id, isouter=True)
    else:
        value = BY_ATTEMPT[by][1]
    well = Attempt.outcome.in_(GOOD)
    one = each.add_columns(
        func.coalesce(value, "").label("value"),
        well.label("well"),
        Attempt.first.label("first"),
        Attempt.duration_ms.label("ms"),
    )
    of = one.where(*wanted).subquery()
    rows = session.execute(
        select(
            of.c.value,
            func.count(),
            func.count().filter(of.c.well),
            func.count().filter(of.c.first),
            func.count().filter(and_(of.c.first, of.c.well)),
            func.sum(of.c.ms),
        ).group_by(of.c.value)
    )
    return {row[0]: tuple(map(int, row[1:])) for row in rows}


def newest_steps(session: Session, wanted: Wanted, count: int) -> dict[str, list[int]]:
    """The ms that each of the newest attempts spent on each step."""
    newest = select(Attempt.id).where(*wanted).order_by(Attempt.at.desc()).limit(count)
    times: dict[str, list[int]] = {}
    for steps in session.scalars(select(Course.steps).where(Course.attempt_id.in_(newest.scalar_subquery()))):
        spent: Counter[str] = Counter()
        for name, ms, _outcome in steps:
            if name is not None and ms is not None:
                spent[name] += ms
        for name, ms in spent.items():
            times.setdefault(name, []).append(ms)
    return times


def stations(session: Session, begin: datetime, end: datetime, wanted: Wanted) -> dict[tuple[str, str], Counts]:
    """By bench and station: attempts, and the ms that it worked and waited for a person."""
    # What a station waited began with the end of the attempt before, which may lie before the range.
    rows = session.execute(
        select(Attempt.bench, Attempt.station, Attempt.at, Attempt.duration_ms)
        .where(Attempt.at >= begin - _LOOK_BACK, Attempt.at < end)
        .where(Attempt.station.is_not(None), Attempt.time_source == "bench", *wanted)
        .order_by(Attempt.id)
    )
    before: dict[tuple[str, str], datetime] = {}
    found: dict[tuple[str, str], Counts] = {}
    for bench, station, at, ms in rows:
        key = (bench, station or "")
        ended, before[key] = before.get(key), at
        if at < begin:
            continue
        waited = (at - ended) // _MS - ms if ended is not None else 0
        count, working, waiting = found.get(key, (0, 0, 0))
        found[key] = (count + 1, working + ms, waiting + (waited if 0 < waited <= BREAK_MS else 0))
    return found
