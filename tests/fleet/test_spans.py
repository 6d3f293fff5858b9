"""A span of days adds up to the same whether it is read by day or by whole months and the days around them."""

import random
from datetime import date, timedelta

import pytest
from sqlalchemy import func, select

from bmsrescue.fleet.models import LineDay, LineMonth
from bmsrescue.fleet.spans import Days, counts_over, month_of, span_of
from bmsrescue.fleet.store import Store

_FIRST = date(2025, 12, 1)
_DAYS = 120


def days_of(part: Days) -> set[date]:
    return {part[0] + timedelta(days=number) for number in range((part[1] - part[0]).days)}


@pytest.mark.parametrize("take_off", [True, False])
def test_every_span_is_its_days(take_off: bool) -> None:
    for begin in range(_DAYS):
        for length in range(0, _DAYS, 1 if begin % 7 == 0 else 11):
            first = _FIRST + timedelta(days=begin)
            after = first + timedelta(days=length)
            span = span_of(first, after, take_off)
            found = sorted(day for part in filter(None, (span.months, *span.added)) for day in days_of(part))
            for part in span.off:
                assert days_of(part) <= set(found)
                found = [day for day in found if day not in days_of(part)]
            assert found == sorted(days_of((first, after))), "each day once"
            if span.months is not None:
                assert span.months[0].day == span.months[1].day == 1
            by_day = sum(len(days_of(part)) for part in (*span.added, *span.off))
            assert by_day <= (30 if take_off else 60)
            assert take_off or not span.off


def test_a_month_ends_where_the_next_one_begins() -> None:
    assert month_of(date(2024, 2, 29)) == (date(2024, 2, 1), date(2024, 3, 1))
    assert month_of(date(2025, 12, 31)) == (date(2025, 12, 1), date(2026, 1, 1))


def test_sums_of_a_store_are_those_of_its_days(store: Store) -> None:
    rng = random.Random(1)
    zero = {"first": 0, "first_well": 0, "back": 0, "total_ms": 0}
    days = {_FIRST + timedelta(days=number): rng.randrange(100) for number in range(_DAYS)}
    months: dict[date, int] = {}
    for day, count in days.items():
        months[day.replace(day=1)] = months.get(day.replace(day=1), 0) + count
    with store.write() as session:
        told = {"dimension": "all", "value": "", "shard": 0, "well": 1} | zero
        session.add_all(LineDay(day=day, counted=count, **told) for day, count in days.items())
        session.add_all(LineMonth(month=month, counted=count, **told) for month, count in months.items())
    spans: list[tuple[date | None, date | None]] = [(None, None)]
    for _turn in range(60):
        first = _FIRST + timedelta(days=rng.randrange(_DAYS))
        spans += [(first, first + timedelta(days=rng.randrange(_DAYS))), (first, None), (None, first)]
    with store.read() as session:
        for first, after in spans:
            for take_off in (True, False):
                of = counts_over(LineDay, LineMonth, (), ("counted",), span_of(first, after, take_off), dimension="all")
                wanted = sum(
                    count
                    for day, count in days.items()
                    if (first is None or first <= day) and (after is None or day < after)
                )
                assert int(session.scalar(select(func.sum(of.c.counted))) or 0) == wanted
                keyed = counts_over(
                    LineDay, LineMonth, ("value",), ("counted",), span_of(first, after, take_off), dimension="all"
                )
                rows = session.execute(select(keyed.c.value, func.sum(keyed.c.counted)).group_by(keyed.c.value)).all()
                assert [(value, int(count)) for value, count in rows] in ([("", wanted)], [] if not wanted else None)
            nothing = counts_over(LineDay, LineMonth, (), ("counted",), span_of(first, after), dimension="bench")
            assert session.scalar(select(func.sum(nothing.c.counted))) is None
