"""A line's figures over a range of days: finished units by hour and shift, time by step, yield by whatever it hangs on.

All of them count attempts that say something of a unit (`NOT_COUNTED` does not, nor does a unit taken out in work).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from statistics import quantiles
from typing import Any

from sqlalchemy import ColumnElement, Integer, and_, cast, exists, extract, func, select
from sqlalchemy.orm import Session, aliased

from bmsrescue.fleet.figures import Share, wilson
from bmsrescue.fleet.line.clock import Clock
from bmsrescue.fleet.line.filters import BY_ATTEMPT, BY_CARD, GOOD, Filters
from bmsrescue.fleet.models import Attempt, Course, Unit, UnitCard
from bmsrescue.fleet.records.counting import NOT_COUNTED

TIMED = 1000
"""Attempts, the newest, whose steps are looked at one by one."""
BREAK_S = 900
"""Between two attempts at a station: longer is a break, no waiting for a person."""
_MOST_GROUPS = 40
_HOUR_S = 3600


@dataclass(frozen=True)
class Rate:
    """Attempts that count, and those that ended well, in `hours` in which there was at least one."""

    counted: int
    well: int
    hours: int

    @property
    def an_hour(self) -> float | None:
        """Those that ended well, an hour worked."""
        return self.well / self.hours if self.hours else None


@dataclass(frozen=True)
class Hour:
    """One hour with work in it; `begin` in UTC."""

    begin: datetime
    counted: int
    well: int


@dataclass(frozen=True)
class Shift:
    """What a shift did. `day`: on which it began."""

    day: date
    name: str
    rate: Rate


@dataclass(frozen=True)
class StepTime:
    """A step over the newest attempts, in ms: a tenth were faster than `low`, a tenth slower than `high`."""

    name: str
    count: int
    low: float
    middle: float
    high: float


@dataclass(frozen=True)
class StationTime:
    """Seconds that a station worked, and that it waited for a person between two units; breaks are in neither."""

    station: str
    attempts: int
    working_s: float
    waiting_s: float

    @property
    def working_share(self) -> float | None:
        total = self.working_s + self.waiting_s
        return self.working_s / total if total else None


@dataclass(frozen=True)
class Group:
    """Attempts that have `value` in common ("": none): how many ended well, and the first pass of its new units."""

    value: str
    ended_well: Share
    first_pass: Share
    mean_s: float


def hours(session: Session, filters: Filters, clock: Clock) -> list[Hour]:
    """Each hour of the range in which something ended, oldest first."""
    epoch = extract("epoch", Attempt.at)
    if session.get_bind().dialect.name == "postgresql":
        bucket: ColumnElement[Any] = cast(func.floor(epoch / _HOUR_S), Integer)
    else:
        bucket = cast(epoch, Integer).op("/")(_HOUR_S)
    rows = session.execute(
        select(bucket, func.count(), func.count().filter(Attempt.outcome.in_(GOOD)))
        .where(*filters.where(clock))
        .group_by(bucket)
        .order_by(bucket)
    )
    return [Hour(datetime.fromtimestamp(int(row[0]) * _HOUR_S, UTC), row[1], row[2]) for row in rows]


def rate_of(found: Sequence[Hour]) -> Rate:
    """All of them together."""
    return Rate(sum(one.counted for one in found), sum(one.well for one in found), len(found))


def shifts(found: Sequence[Hour], clock: Clock) -> list[Shift]:
    """By the shift in which it ended, the newest first."""
    by: dict[tuple[date, str], list[Hour]] = {}
    for one in found:
        by.setdefault(clock.shift_of(one.begin), []).append(one)
    return [Shift(day, name, rate_of(of_it)) for (day, name), of_it in sorted(by.items(), reverse=True)]


def step_times(session: Session, filters: Filters, clock: Clock) -> list[StepTime]:
    """Of the newest `TIMED` attempts of the range, in the order in which steps come."""
    newest = select(Attempt.id).where(*filters.where(clock)).order_by(Attempt.at.desc()).limit(TIMED)
    times: dict[str, list[int]] = {}
    for steps in session.scalars(select(Course.steps).where(Course.attempt_id.in_(newest.scalar_subquery()))):
        spent: Counter[str] = Counter()
        for name, ms, _outcome in steps:
            if name is not None and ms is not None:
                spent[name] += ms
        for name, ms in spent.items():
            times.setdefault(name, []).append(ms)
    return [StepTime(name, len(of_it), *spread(of_it)) for name, of_it in times.items()]


def spread(values: Sequence[float]) -> tuple[float, float, float]:
    """The lowest tenth's edge, the middle and the highest tenth's, of at least one value; inclusive, as R's type 7."""
    if len(values) == 1:
        return (values[0],) * 3
    cuts = quantiles(values, n=10, method="inclusive")
    return cuts[0], cuts[4], cuts[8]


def station_times(session: Session, filters: Filters, clock: Clock) -> list[StationTime]:
    """Working and waiting of each station, from the ends and lengths of all its attempts in the range.

    All its attempts: also one that says nothing of its unit took the station's time. Those that a card brought later
    have the time of the import and are left out.
    """
    begin, end = filters.moments(clock)
    wanted = [Attempt.at >= begin, Attempt.at < end, Attempt.station.is_not(None), Attempt.time_source == "bench"]
    for name in ("bench", "station"):
        if value := getattr(filters, name):
            wanted.append(BY_ATTEMPT[name][1] == value)
    ended = extract("epoch", Attempt.at)
    place = (Attempt.bench, Attempt.station)
    gap = ended - func.lag(ended).over(partition_by=place, order_by=Attempt.at) - Attempt.duration_ms / 1000.0
    each = select(*place, Attempt.duration_ms, gap.label("gap")).where(*wanted).subquery()
    waited = func.sum(each.c.gap).filter(and_(each.c.gap > 0, each.c.gap <= BREAK_S))
    rows = session.execute(
        select(each.c.bench, each.c.station, func.count(), func.sum(each.c.duration_ms), waited)
        .group_by(each.c.bench, each.c.station)
        .order_by(func.count().desc(), each.c.station)
        .limit(_MOST_GROUPS)
    )
    return [StationTime(row[1], row[2], int(row[3]) / 1000, float(row[4] or 0)) for row in rows]


def groups(session: Session, filters: Filters, clock: Clock, by: str) -> list[Group]:
    """By what they have in common, the most first."""
    earlier = aliased(Attempt)
    first = and_(
        Attempt.unit_id.is_not(None),
        ~exists().where(
            earlier.unit_id == Attempt.unit_id,
            earlier.id < Attempt.id,
            earlier.taken_out.is_(False),
            earlier.outcome.not_in(NOT_COUNTED),
        ),
    )
    well = Attempt.outcome.in_(GOOD)
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
    one = each.add_columns(
        func.coalesce(value, "").label("value"),
        well.label("well"),
        first.label("first"),
        Attempt.duration_ms.label("ms"),
    )
    of = one.where(*filters.where(clock)).subquery()
    rows = session.execute(
        select(
            of.c.value,
            func.count().filter(of.c.well),
            func.count(),
            func.count().filter(and_(of.c.first, of.c.well)),
            func.count().filter(of.c.first),
            func.sum(of.c.ms),
        )
        .group_by(of.c.value)
        .order_by(func.count().desc(), of.c.value)
    )
    return [Group(row[0], wilson(row[1], row[2]), wilson(row[3], row[4]), int(row[5]) / 1000 / row[2]) for row in rows]


def totals(found: Sequence[Group]) -> Group:
    """All groups of a range as one."""
    total = sum(one.ended_well.total for one in found)
    well = wilson(sum(one.ended_well.count for one in found), total)
    first = wilson(sum(one.first_pass.count for one in found), sum(one.first_pass.total for one in found))
    seconds = sum(one.mean_s * one.ended_well.total for one in found)
    return Group("", well, first, seconds / total if total else 0.0)
