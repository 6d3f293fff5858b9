"""Sums over a span of days: whole months from the counts by month, the rest from those by day.

A month of which the span has more than half is read whole, and the days that are not in the span are taken off again:
a year up to today is twelve rows of each count, and no more than fifteen days of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Select, Subquery, select, union_all

from bmsrescue.fleet.models import Base

_ANY = (date.min, date.max)
Days = tuple[date, date]
"""From, and up to but not with."""


@dataclass(frozen=True)
class Span:
    """`months` hold whole months, `added` and `off` days."""

    months: Days | None
    added: tuple[Days, ...] = ()
    off: tuple[Days, ...] = ()


def month_of(day: date) -> Days:
    first = day.replace(day=1)
    return first, (first + timedelta(days=31)).replace(day=1)


def span_of(first: date | None, after: date | None = None, take_off: bool = True) -> Span:
    """The days from `first` up to, but not with, `after`; None: without an end.

    Without `take_off` every day that is read lies in the span: what is the least or the most of days needs that.
    """
    begin, end = first or _ANY[0], after or _ANY[1]
    if begin >= end:
        return Span(None)
    months, added, off = [begin, end], [], []
    if first is not None and first.day > 1:
        month, following = month_of(first)
        if take_off and following <= end and (following - first) > (first - month):
            months[0] = month
            off.append((month, first))
        else:
            months[0] = following
            added.append((first, min(following, end)))
    if after is not None and after.day > 1 and after > months[0]:
        month, following = month_of(after)
        if take_off and (after - month) > (following - after):
            months[1] = following
            off.append((after, following))
        else:
            months[1] = month
            added.append((month, after))
    return Span((months[0], months[1]) if months[0] < months[1] else None, tuple(added), tuple(off))


def counts_over(
    days: type[Base], months: type[Base], keys: Sequence[str], sums: Sequence[str], span: Span, **like: Any
) -> Subquery:
    """The rows of a span with these columns, to be added up by `keys`. `like`: values that other columns must have."""

    def rows(table: type[Base], time: str, part: Days | None, sign: int) -> Select[Any]:
        of = table.__table__.c
        columns = [of[name] for name in keys]
        columns += [(sign * of[name]).label(name) if sign < 0 else of[name] for name in sums]
        wanted = select(*columns).where(*(of[name] == value for name, value in like.items()))
        at = of[time]
        if part is None:
            return wanted.where(at.is_(None))  # none at all
        if part[0] > _ANY[0]:
            wanted = wanted.where(at >= part[0])
        return wanted.where(at < part[1]) if part[1] < _ANY[1] else wanted

    parts = [rows(months, "month", span.months, 1)]
    parts += [rows(days, "day", part, 1) for part in span.added]
    parts += [rows(days, "day", part, -1) for part in span.off]
    return union_all(*parts).subquery()
