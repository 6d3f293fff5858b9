"""A line's figures over a range of days: finished units by hour and shift, time by step, yield by whatever it hangs on.

All of them count attempts that say something of a unit (`NOT_COUNTED` does not, nor does a unit taken out in work).
Without filters they are read from the counts by day and hour, and take the same time for any number of attempts; what
of the range is no whole day of UTC, and all of it where there are filters, is counted one by one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from statistics import quantiles
from typing import TypeVar

from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session

from bmsrescue.fleet import ledger
from bmsrescue.fleet.figures import Share, wilson
from bmsrescue.fleet.line import kept, one_by_one
from bmsrescue.fleet.line.clock import Clock
from bmsrescue.fleet.line.filters import NONE, Filters
from bmsrescue.fleet.line.one_by_one import Counts
from bmsrescue.fleet.models import Attempt
from bmsrescue.fleet.records.durations import spread_of
from bmsrescue.fleet.records.rollups import ALL, WHOLE

TIMED = 1000
"""Attempts, the newest, whose steps are looked at one by one, where there are filters."""
_MOST_GROUPS = 40
_Key = TypeVar("_Key")
_DAY = timedelta(days=1)
_HOUR = timedelta(hours=1)


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
    """A step in ms ("": the whole job): a tenth were faster than `low`, a tenth slower than `high`."""

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
    begin, end = filters.moments(clock)
    found: dict[datetime, Counts] = {}
    if not filters.plain:
        found = one_by_one.hours(session, filters.where(clock))
    else:
        first, after = _ceiling(begin, _HOUR), _floor(end, _HOUR)
        if first < after:
            _merge(found, kept.hours(session, first, after))
        for edge in _edges(begin, end, first, after):
            _merge(found, one_by_one.hours(session, [*filters.where(clock), *_between(*edge)]))
    return [Hour(hour, *counts) for hour, counts in sorted(found.items())]


def rate_of(found: Sequence[Hour]) -> Rate:
    """All of them together."""
    return Rate(sum(one.counted for one in found), sum(one.well for one in found), len(found))


def shifts(found: Sequence[Hour], clock: Clock) -> list[Shift]:
    """By the shift in which it ended, the newest first."""
    by: dict[tuple[date, str], list[Hour]] = {}
    for one in found:
        by.setdefault(clock.shift_of(one.begin), []).append(one)
    return [Shift(day, name, rate_of(of_it)) for (day, name), of_it in sorted(by.items(), reverse=True)]


def step_times(session: Session, filters: Filters, clock: Clock) -> tuple[list[StepTime], StepTime | None]:
    """Each step of all attempts in the days (UTC) of the range, from buckets of durations; and the whole job.

    With filters of the newest `TIMED` attempts, exactly, and nothing of the whole job.
    """
    if filters.hour or not filters.plain:
        times = one_by_one.newest_steps(session, filters.where(clock), TIMED)
        return [StepTime(name, len(of_it), *spread(of_it)) for name, of_it in times.items()], None
    begin, end = filters.moments(clock)
    found = kept.steps(session, begin.date(), _ceiling(end, _DAY).date())
    told = {name: StepTime(name, sum(of_it.values()), *spread_of(of_it)) for name, of_it in found.items()}
    job = told.pop(WHOLE, None)
    return list(told.values()), job


def spread(values: Sequence[float]) -> tuple[float, float, float]:
    """The lowest tenth's edge, the middle and the highest tenth's, of at least one value; inclusive, as R's type 7."""
    if len(values) == 1:
        return (values[0],) * 3
    cuts = quantiles(values, n=10, method="inclusive")
    return cuts[0], cuts[4], cuts[8]


def station_times(session: Session, filters: Filters, clock: Clock) -> list[StationTime]:
    """Working and waiting of each station, from the ends and lengths of all its attempts in the range.

    All its attempts: also one that says nothing of its unit took the station's time. Those that a card brought later
    have the time of the import and are left out. Of the filters only bench and station apply.
    """
    if NONE in (filters.bench, filters.station):
        return []
    begin, end = filters.moments(clock)
    first, after = _ceiling(begin, _DAY), _floor(end, _DAY)
    found: dict[tuple[str, str], Counts] = {}
    if first < after:
        found = kept.stations(session, first.date(), after.date(), filters.bench, filters.station)
    wanted = [Attempt.bench == filters.bench] if filters.bench else []
    wanted += [Attempt.station == filters.station] if filters.station else []
    for edge in _edges(begin, end, first, after):
        _merge(found, one_by_one.stations(session, *edge, wanted))
    most = sorted(found.items(), key=lambda item: (-item[1][0], item[0][1], item[0][0]))[:_MOST_GROUPS]
    return [
        StationTime(station, attempts, working / 1000, waiting / 1000)
        for (_bench, station), (attempts, working, waiting) in most
    ]


def groups(session: Session, filters: Filters, clock: Clock, by: str) -> list[Group]:
    """By what they have in common, the most first."""
    begin, end = filters.moments(clock)
    found: dict[str, Counts] = {}
    if not filters.plain:
        found = one_by_one.groups(session, filters.where(clock), by)
    else:
        first, after = _ceiling(begin, _DAY), _floor(end, _DAY)
        if first < after:
            found = kept.groups(session, first.date(), after.date(), by)
        for edge in _edges(begin, end, first, after):
            of_it = one_by_one.groups(
                session, [*filters.where(clock), *_between(*edge)], "outcome" if by == ALL else by
            )
            for value, counts in of_it.items():
                _merge(found, {"" if by == ALL else value: counts})
    return [
        Group(value, wilson(well, counted), wilson(first_well, first), ms / 1000 / counted)
        for value, (counted, well, first, first_well, ms) in sorted(
            found.items(), key=lambda item: (-item[1][0], item[0])
        )
    ]


def summed(session: Session, filters: Filters, clock: Clock) -> Group:
    """All of a range as one."""
    return totals(groups(session, filters, clock, ALL if filters.plain and not filters.hour else "outcome"))


def totals(found: Sequence[Group]) -> Group:
    """All groups of a range as one."""
    total = sum(one.ended_well.total for one in found)
    well = wilson(sum(one.ended_well.count for one in found), total)
    first = wilson(sum(one.first_pass.count for one in found), sum(one.first_pass.total for one in found))
    seconds = sum(one.mean_s * one.ended_well.total for one in found)
    return Group("", well, first, seconds / total if total else 0.0)


def _edges(begin: datetime, end: datetime, first: datetime, after: datetime) -> Iterable[tuple[datetime, datetime]]:
    """What of a range lies outside of the whole part of it, `first` to `after`."""
    if first >= after:
        return [(begin, end)]
    return [edge for edge in ((begin, first), (after, end)) if edge[0] < edge[1]]


def _between(begin: datetime, end: datetime) -> list[ColumnElement[bool]]:
    return [Attempt.at >= begin, Attempt.at < end]


def _floor(at: datetime, unit: timedelta) -> datetime:
    """The newest full hour or day of UTC that is not after it."""
    begin = ledger.midnight(at.astimezone(UTC).date())
    return begin + (at - begin) // unit * unit


def _ceiling(at: datetime, unit: timedelta) -> datetime:
    low = _floor(at, unit)
    return low if low == at else low + unit


def _merge(into: dict[_Key, Counts], more: dict[_Key, Counts]) -> None:
    for key, counts in more.items():
        here = into.get(key)
        into[key] = counts if here is None else tuple(a + b for a, b in zip(here, counts, strict=True))
