"""A station's rails attempt by attempt, as a control chart shows them: drift and steps stand out that a mean hides."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import groupby, pairwise
from statistics import fmean, stdev
from typing import Any

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from bmsrescue.fleet.models import Attempt, Measurement
from bmsrescue.fleet.records.which_count import NOT_COUNTED

_ATTEMPTS = 60
_FEWEST = 2
_D2 = 1.128


@dataclass(frozen=True)
class Trend:
    """One rail at one station, the oldest value first; mV. `low` and `high` are the newest limits."""

    rail: str
    values: list[int]
    mean: float
    deviation: float
    low: int | None
    high: int | None
    moments: list[int] = field(default_factory=list)
    """Of each value, in seconds since 1970."""
    records: list[str] = field(default_factory=list)
    """The hash of each value's record."""

    @property
    def count(self) -> int:
        return len(self.values)

    @property
    def ppk(self) -> float | None:
        """How many times three standard deviations of all values fit between the mean and the nearer limit.

        Below 0 where the mean itself is outside. None without a limit, or where all values are the same.
        """
        return self._room(self.deviation)

    @property
    def within(self) -> float:
        """The deviation from one attempt to the next: the mean moving range over 1.128 (d2 of two values)."""
        return fmean(abs(after - before) for before, after in pairwise(self.values)) / _D2

    @property
    def cpk(self) -> float | None:
        """The same as `ppk` with the deviation from one attempt to the next: without drift and steps."""
        return self._room(self.within)

    def _room(self, deviation: float) -> float | None:
        below = [self.mean - self.low] if self.low is not None else []
        above = [self.high - self.mean] if self.high is not None else []
        room = below + above
        return min(room) / (3 * deviation) if room and deviation else None

    @property
    def plot(self) -> dict[str, Any]:
        """For the page."""
        return {
            "values": self.values,
            "moments": self.moments,
            "records": self.records,
            "mean": round(self.mean, 1),
            "lower": round(self.mean - 3 * self.deviation, 1),
            "upper": round(self.mean + 3 * self.deviation, 1),
            "low": self.low,
            "high": self.high,
        }


def rail_trends(session: Session, station: str, phase: str = "proof") -> list[Trend]:
    """Each rail in the station's newest 60 attempts that measured it; a rail with fewer than two values is left out.

    Attempts that do not count (a fault of the tool or the wires, stopped, taken out in work) are left out.
    """
    alone = and_(Attempt.helper == station, Attempt.helper_id == f"label {station}")
    newest = (
        select(Attempt.id)
        .where(or_(Attempt.station == station, and_(Attempt.station.is_(None), alone)))
        .where(Attempt.taken_out.is_(False), Attempt.outcome.not_in(NOT_COUNTED))
        .where(
            select(Measurement.rail).where(Measurement.attempt_id == Attempt.id, Measurement.phase == phase).exists()
        )
        .order_by(Attempt.id.desc())
        .limit(_ATTEMPTS)
    )
    rows = session.execute(
        select(
            Measurement.rail,
            Measurement.mv,
            Measurement.limit_low,
            Measurement.limit_high,
            Attempt.at,
            Attempt.sha256,
        )
        .join(Attempt, Attempt.id == Measurement.attempt_id)
        .where(Measurement.phase == phase, Measurement.attempt_id.in_(newest))
        .order_by(Measurement.rail, Measurement.attempt_id)
    ).all()
    trends = []
    for rail, same in groupby(rows, key=lambda row: row.rail):
        measured = list(same)
        values = [row.mv for row in measured]
        if len(values) >= _FEWEST:
            last = measured[-1]
            trend = Trend(rail, values, fmean(values), stdev(values), last.limit_low, last.limit_high)
            moments = [int(row.at.timestamp()) for row in measured]
            trends.append(replace(trend, moments=moments, records=[row.sha256 for row in measured]))
    return trends
