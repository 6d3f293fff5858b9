"""What the figures are made of, counted as attempts come in, so that no page counts them one by one."""

from datetime import date

from sqlalchemy import Date
from sqlalchemy.orm import Mapped, mapped_column

from bmsrescue.fleet.models.base import Base, Big, Name, OptionalBig


class DayCount(Base):
    """How many attempts of a site and a day (UTC) ended in one way; not those whose unit was taken out in work.

    `firmware`: empty where nothing tells it. It follows from `attempts` and is kept in the transaction that adds to
    them. By site, so that sites that forward at the same time do not wait for each other.
    """

    __tablename__ = "day_counts"
    __table_args__ = ({"sqlite_with_rowid": False},)

    day: Mapped[date] = mapped_column(Date, primary_key=True)
    bench: Mapped[Name] = mapped_column(primary_key=True)
    outcome: Mapped[Name] = mapped_column(primary_key=True)
    cause: Mapped[Name] = mapped_column(primary_key=True)
    firmware: Mapped[Name] = mapped_column(primary_key=True)
    count: Mapped[Big]


class RailDay(Base):
    """A rail at a station on a day (UTC) in one phase: how many readings, their sum and extremes in mV, their limits.

    `failed`: how many were outside. Kept as `DayCount` is. `station`: the helper where there was no station.
    """

    __tablename__ = "rail_days"
    __table_args__ = ({"sqlite_with_rowid": False},)

    day: Mapped[date] = mapped_column(Date, primary_key=True)
    bench: Mapped[Name] = mapped_column(primary_key=True)
    station: Mapped[Name] = mapped_column(primary_key=True)
    phase: Mapped[Name] = mapped_column(primary_key=True)
    rail: Mapped[Name] = mapped_column(primary_key=True)
    count: Mapped[Big]
    total_mv: Mapped[Big]
    low_mv: Mapped[Big]
    high_mv: Mapped[Big]
    limit_low: Mapped[OptionalBig]
    limit_high: Mapped[OptionalBig]
    failed: Mapped[Big]
