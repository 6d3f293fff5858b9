"""A line's figures over a range of days: finished units by hour and shift, time by step, yield by whatever it hangs on.

All of them count attempts that say something of a unit (`NOT_COUNTED` does not, nor does a unit taken out in work).
Without filters they are read from the counts by day and hour, and take the same time for any number of attempts; what
of the range is no whole day of UTC, and all of it where there are filters, is counted one by one.
"""

from __future__ import annotations

from collections.abc import Sequence
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
from bmsrescue.fleet.line.filters import COUNTS, NONE, Filters
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


def one_by_one_of(session: Session, filters: Filters, clock: Clock) -> int:
    """About how many attempts a view with filters goes through one by one, its range before with them; 0 without any.

    Those that the rarest of its filters alone leaves, by the counts of whole days.
    """
    if filters.plain:
        return 0
    begin, end = filters.before().moments(clock)[0], filters.moments(clock)[1]
    days = begin.date(), _ceiling(end, _DAY).date()
    named = {name: "" if value == NONE else value for name, _words, value in filters.named()} or {ALL: ""}
    return min(kept.count(session, *days, name, value) for name, value in named.items())


def hours(session: Session, filters: Filters, clock: Clock) -> list[Hour]:
    """Each hour of the range in which something ended, oldest first."""
    begin, end = filters.moments(clock)
    found: dict[datetime, Counts] = {}
    if not filters.plain:
        found = one_by_one.hours(session, filters.where(clock))
    else:
        whole, edges = _parts(begin, end, _HOUR)
        if whole is not None:
            _merge(found, kept.hours(session, *whole))
        for edge in edges:
            _merge(found, one_by_one.hours(session, _within(edge)), edge.sign)
    return [Hour(hour, *counts) for hour, counts in sorted(found.items()) if counts[0]]


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
    whole, edges = _parts(begin, end, _DAY)
    found: dict[tuple[str, str], Counts] = {}
    if whole is not None:
        found = kept.stations(session, whole[0].date(), whole[1].date(), filters.bench, filters.station)
    wanted = [Attempt.bench == filters.bench] if filters.bench else []
    wanted += [Attempt.station == filters.station] if filters.station else []
    for edge in edges:
        _merge(found, one_by_one.stations(session, edge.begin, edge.end, wanted), edge.sign)
    most = sorted(found.items(), key=lambda item: (-item[1][0], item[0][1], item[0][0]))[:_MOST_GROUPS]
    return [
        StationTime(station, attempts, working / 1000, waiting / 1000)
        for (_bench, station), (attempts, working, waiting) in most
        if attempts
    ]


def groups(session: Session, filters: Filters, clock: Clock, by: str) -> list[Group]:
    """By what they have in common, the most first."""
    begin, end = filters.moments(clock)
    found: dict[str, Counts] = {}
    if not filters.plain:
        found = one_by_one.groups(session, filters.where(clock), by)
    else:
        whole, edges = _parts(begin, end, _DAY)
        if whole is not None:
            found = kept.groups(session, whole[0].date(), whole[1].date(), by)
        for edge in edges:
            of_it = one_by_one.groups(session, _within(edge), "outcome" if by == ALL else by)
            for value, counts in of_it.items():
                _merge(found, {"" if by == ALL else value: counts}, edge.sign)
    return [
        Group(value, wilson(well, counted), wilson(first_well, first), ms / 1000 / counted)
        for value, (counted, well, first, first_well, ms) in sorted(
            found.items(), key=lambda item: (-item[1][0], item[0])
        )
        if counted
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


@dataclass(frozen=True)
class _Edge:
    """Attempts from `begin` up to, but not with, `end`, which are added one by one, or taken off (`sign` -1)."""

    begin: datetime
    end: datetime
    sign: int


def _parts(begin: datetime, end: datetime, unit: timedelta) -> tuple[tuple[datetime, datetime] | None, list[_Edge]]:
    """A range as whole days or hours of UTC, and what it has more or less than these: of each the smaller part."""
    if end - begin < unit:
        return None, [_Edge(begin, end, 1)]
    first, after = _floor(begin, unit), _ceiling(end, unit)
    edges = [_Edge(first, begin, -1), _Edge(end, after, -1)]
    if begin - first > unit / 2:
        first += unit
        edges[0] = _Edge(begin, first, 1)
    if after - end > unit / 2:
        after -= unit
        edges[1] = _Edge(after, end, 1)
    if first >= after:
        return None, [_Edge(begin, end, 1)]
    return (first, after), [edge for edge in edges if edge.begin < edge.end]


def _within(edge: _Edge) -> list[ColumnElement[bool]]:
    return [Attempt.at >= edge.begin, Attempt.at < edge.end, *COUNTS]


def _floor(at: datetime, unit: timedelta) -> datetime:
    """The newest full hour or day of UTC that is not after it."""
    begin = ledger.midnight(at.astimezone(UTC).date())
    return begin + (at - begin) // unit * unit


def _ceiling(at: datetime, unit: timedelta) -> datetime:
    low = _floor(at, unit)
    return low if low == at else low + unit


def _merge(into: dict[_Key, Counts], more: dict[_Key, Counts], sign: int = 1) -> None:
    for key, counts in more.items():
        here = into.get(key, (0,) * len(counts))
        into[key] = tuple(a + sign * b for a, b in zip(here, counts, strict=True))
