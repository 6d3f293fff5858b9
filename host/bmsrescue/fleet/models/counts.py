"""What the figures are made of, counted as attempts come in, so that no page counts them one by one.

All follow from `attempts` and are kept in the transaction that adds to them (`records.rollups`). A row is a part of a
count: that of one `shard`, a quarter of the benches, which count one after the other; the parts add up. A part alone
can be below 0, where another one took in what this one takes out.

What is counted by day is counted by month, too (`month`: its first day): a year is read from twelve rows, not from 365.
What both have is in a class above the two. `sort_order`: where a column stands in the table and in its key.
"""

from datetime import date
from typing import Any

from sqlalchemy import Date
from sqlalchemy.orm import Mapped, MappedColumn, mapped_column

from bmsrescue.fleet.models.base import Base, Big, Moment, Name, OptionalBig

_KEPT_BY_KEY = ({"sqlite_with_rowid": False},)


def _first() -> MappedColumn[Any]:
    """A column of the key that stands before the day or the month."""
    return mapped_column(primary_key=True, sort_order=-2)


def _key() -> MappedColumn[Any]:
    return mapped_column(primary_key=True, autoincrement=False)


def _day() -> MappedColumn[date]:
    return mapped_column(Date, primary_key=True, sort_order=-1)


class _Outcomes:
    """How many attempts ended in one way; not those whose unit was taken out in work.

    `firmware`: empty where nothing tells it.
    """

    outcome: Mapped[Name] = _key()
    cause: Mapped[Name] = _key()
    firmware: Mapped[Name] = _key()
    shard: Mapped[Big] = _key()
    count: Mapped[Big]


class DayCount(_Outcomes, Base):
    """Of a day (UTC)."""

    __tablename__ = "day_counts"
    __table_args__ = _KEPT_BY_KEY

    day: Mapped[date] = _day()


class MonthCount(_Outcomes, Base):
    __tablename__ = "month_counts"
    __table_args__ = _KEPT_BY_KEY

    month: Mapped[date] = _day()


class _Line:
    """Attempts that count and have one thing in common: of `dimension` ("station", "lot", ...) `value`.

    `dimension` "all": every one; "identified": those whose unit is known. `first`: those that were their unit's first
    ever, `first_well`: of these, those that ended well. `back`: of "identified" those that ended well, and whose unit
    was here again on another day within 90 days.
    """

    dimension: Mapped[Name] = _first()
    value: Mapped[Name] = _key()
    shard: Mapped[Big] = _key()
    counted: Mapped[Big]
    well: Mapped[Big]
    first: Mapped[Big]
    first_well: Mapped[Big]
    back: Mapped[Big]
    total_ms: Mapped[Big]


class LineDay(_Line, Base):
    """Of a day (UTC)."""

    __tablename__ = "line_days"
    __table_args__ = _KEPT_BY_KEY

    day: Mapped[date] = _day()


class LineMonth(_Line, Base):
    __tablename__ = "line_months"
    __table_args__ = _KEPT_BY_KEY

    month: Mapped[date] = _day()


class LineHour(Base):
    """Attempts that count, and those that ended well, of one hour."""

    __tablename__ = "line_hours"
    __table_args__ = _KEPT_BY_KEY

    hour: Mapped[Moment] = mapped_column(primary_key=True)
    shard: Mapped[Big] = _key()
    counted: Mapped[Big]
    well: Mapped[Big]


class _Steps:
    """How many attempts that count spent a time of one `bucket` (`records.durations`) on a step."""

    step: Mapped[Name] = _key()
    bucket: Mapped[Big] = _key()
    shard: Mapped[Big] = _key()
    count: Mapped[Big]


class StepDay(_Steps, Base):
    """Of a day (UTC)."""

    __tablename__ = "step_days"
    __table_args__ = _KEPT_BY_KEY

    day: Mapped[date] = _day()


class StepMonth(_Steps, Base):
    __tablename__ = "step_months"
    __table_args__ = _KEPT_BY_KEY

    month: Mapped[date] = _day()


class _Station:
    """What a station did, in ms: it worked, and it waited for a person before an attempt."""

    bench: Mapped[Name] = _key()
    station: Mapped[Name] = _key()
    attempts: Mapped[Big]
    working_ms: Mapped[Big]
    waiting_ms: Mapped[Big]


class StationDay(_Station, Base):
    """Of a day (UTC)."""

    __tablename__ = "station_days"
    __table_args__ = _KEPT_BY_KEY

    day: Mapped[date] = _day()


class StationMonth(_Station, Base):
    __tablename__ = "station_months"
    __table_args__ = _KEPT_BY_KEY

    month: Mapped[date] = _day()


class _Rail:
    """A rail at a station in one phase: how many readings, their sum and extremes in mV, their limits.

    `failed`: how many were outside. `station`: the helper where there was no station.
    """

    phase: Mapped[Name] = _first()
    bench: Mapped[Name] = _key()
    station: Mapped[Name] = _key()
    rail: Mapped[Name] = _key()
    count: Mapped[Big]
    total_mv: Mapped[Big]
    low_mv: Mapped[Big]
    high_mv: Mapped[Big]
    limit_low: Mapped[OptionalBig]
    limit_high: Mapped[OptionalBig]
    failed: Mapped[Big]


class RailDay(_Rail, Base):
    """Of a day (UTC)."""

    __tablename__ = "rail_days"
    __table_args__ = _KEPT_BY_KEY

    day: Mapped[date] = _day()


class RailMonth(_Rail, Base):
    __tablename__ = "rail_months"
    __table_args__ = _KEPT_BY_KEY

    month: Mapped[date] = _day()
