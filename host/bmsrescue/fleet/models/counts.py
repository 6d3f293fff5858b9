"""What the figures are made of, counted as attempts come in, so that no page counts them one by one.

All follow from `attempts` and are kept in the transaction that adds to them (`records.rollups`). A row is a part of a
count: that of one `shard`, a quarter of the benches, which count one after the other; the parts add up. A part alone
can be below 0, where another one took in what this one takes out.

What is counted by day is counted by month, too (`month`: its first day): a year is read from twelve rows, not from 365.
"""

from datetime import date

from sqlalchemy import Date
from sqlalchemy.orm import Mapped, mapped_column

from bmsrescue.fleet.models.base import Base, Big, Moment, Name, OptionalBig


class DayCount(Base):
    """How many attempts of a day (UTC) ended in one way; not those whose unit was taken out in work.

    `firmware`: empty where nothing tells it.
    """

    __tablename__ = "day_counts"
    __table_args__ = ({"sqlite_with_rowid": False},)

    day: Mapped[date] = mapped_column(Date, primary_key=True)
    outcome: Mapped[Name] = mapped_column(primary_key=True)
    cause: Mapped[Name] = mapped_column(primary_key=True)
    firmware: Mapped[Name] = mapped_column(primary_key=True)
    shard: Mapped[Big] = mapped_column(primary_key=True, autoincrement=False)
    count: Mapped[Big]


class MonthCount(Base):
    """The same of a month."""

    __tablename__ = "month_counts"
    __table_args__ = ({"sqlite_with_rowid": False},)

    month: Mapped[date] = mapped_column(Date, primary_key=True)
    outcome: Mapped[Name] = mapped_column(primary_key=True)
    cause: Mapped[Name] = mapped_column(primary_key=True)
    firmware: Mapped[Name] = mapped_column(primary_key=True)
    shard: Mapped[Big] = mapped_column(primary_key=True, autoincrement=False)
    count: Mapped[Big]


class LineDay(Base):
    """Attempts of a day (UTC) that count and have one thing in common: of `dimension` ("station", "lot", ...) `value`.

    `dimension` "all": every one; "identified": those whose unit is known. `first`: those that were their unit's first
    ever, `first_well`: of these, those that ended well. `back`: of "identified" those that ended well, and whose unit
    was here again on another day within 90 days.
    """

    __tablename__ = "line_days"
    __table_args__ = ({"sqlite_with_rowid": False},)

    dimension: Mapped[Name] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    value: Mapped[Name] = mapped_column(primary_key=True)
    shard: Mapped[Big] = mapped_column(primary_key=True, autoincrement=False)
    counted: Mapped[Big]
    well: Mapped[Big]
    first: Mapped[Big]
    first_well: Mapped[Big]
    back: Mapped[Big]
    total_ms: Mapped[Big]


class LineMonth(Base):
    """The same of a month."""

    __tablename__ = "line_months"
    __table_args__ = ({"sqlite_with_rowid": False},)

    dimension: Mapped[Name] = mapped_column(primary_key=True)
    month: Mapped[date] = mapped_column(Date, primary_key=True)
    value: Mapped[Name] = mapped_column(primary_key=True)
    shard: Mapped[Big] = mapped_column(primary_key=True, autoincrement=False)
    counted: Mapped[Big]
    well: Mapped[Big]
    first: Mapped[Big]
    first_well: Mapped[Big]
    back: Mapped[Big]
    total_ms: Mapped[Big]


class LineHour(Base):
    """Attempts that count, and those that ended well, of one hour."""

    __tablename__ = "line_hours"
    __table_args__ = ({"sqlite_with_rowid": False},)

    hour: Mapped[Moment] = mapped_column(primary_key=True)
    shard: Mapped[Big] = mapped_column(primary_key=True, autoincrement=False)
    counted: Mapped[Big]
    well: Mapped[Big]


class StepDay(Base):
    """How many attempts of a day (UTC) that count spent a time of one `bucket` (`records.durations`) on a step."""

    __tablename__ = "step_days"
    __table_args__ = ({"sqlite_with_rowid": False},)

    day: Mapped[date] = mapped_column(Date, primary_key=True)
    step: Mapped[Name] = mapped_column(primary_key=True)
    bucket: Mapped[Big] = mapped_column(primary_key=True, autoincrement=False)
    shard: Mapped[Big] = mapped_column(primary_key=True, autoincrement=False)
    count: Mapped[Big]


class StepMonth(Base):
    """The same of a month."""

    __tablename__ = "step_months"
    __table_args__ = ({"sqlite_with_rowid": False},)

    month: Mapped[date] = mapped_column(Date, primary_key=True)
    step: Mapped[Name] = mapped_column(primary_key=True)
    bucket: Mapped[Big] = mapped_column(primary_key=True, autoincrement=False)
    shard: Mapped[Big] = mapped_column(primary_key=True, autoincrement=False)
    count: Mapped[Big]


class StationDay(Base):
    """What a station did on a day (UTC), in ms: it worked, and it waited for a person before an attempt of that day."""

    __tablename__ = "station_days"
    __table_args__ = ({"sqlite_with_rowid": False},)

    day: Mapped[date] = mapped_column(Date, primary_key=True)
    bench: Mapped[Name] = mapped_column(primary_key=True)
    station: Mapped[Name] = mapped_column(primary_key=True)
    attempts: Mapped[Big]
    working_ms: Mapped[Big]
    waiting_ms: Mapped[Big]


class StationMonth(Base):
    """The same of a month."""

    __tablename__ = "station_months"
    __table_args__ = ({"sqlite_with_rowid": False},)

    month: Mapped[date] = mapped_column(Date, primary_key=True)
    bench: Mapped[Name] = mapped_column(primary_key=True)
    station: Mapped[Name] = mapped_column(primary_key=True)
    attempts: Mapped[Big]
    working_ms: Mapped[Big]
    waiting_ms: Mapped[Big]


class RailDay(Base):
    """A rail at a station on a day (UTC) in one phase: how many readings, their sum and extremes in mV, their limits.

    `failed`: how many were outside. `station`: the helper where there was no station.
    """

    __tablename__ = "rail_days"
    __table_args__ = ({"sqlite_with_rowid": False},)

    phase: Mapped[Name] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    bench: Mapped[Name] = mapped_column(primary_key=True)
    station: Mapped[Name] = mapped_column(primary_key=True)
    rail: Mapped[Name] = mapped_column(primary_key=True)
    count: Mapped[Big]
    total_mv: Mapped[Big]
    low_mv: Mapped[Big]
    high_mv: Mapped[Big]
    limit_low: Mapped[OptionalBig]
    limit_high: Mapped[OptionalBig]
    failed: Mapped[Big]


class RailMonth(Base):
    """The same of a month."""

    __tablename__ = "rail_months"
    __table_args__ = ({"sqlite_with_rowid": False},)

    phase: Mapped[Name] = mapped_column(primary_key=True)
    month: Mapped[date] = mapped_column(Date, primary_key=True)
    bench: Mapped[Name] = mapped_column(primary_key=True)
    station: Mapped[Name] = mapped_column(primary_key=True)
    rail: Mapped[Name] = mapped_column(primary_key=True)
    count: Mapped[Big]
    total_mv: Mapped[Big]
    low_mv: Mapped[Big]
    high_mv: Mapped[Big]
    limit_low: Mapped[OptionalBig]
    limit_high: Mapped[OptionalBig]
    failed: Mapped[Big]
