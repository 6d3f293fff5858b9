"""A station's rails attempt by attempt, as a control chart shows them: drift and steps stand out that a mean hides."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from statistics import fmean, stdev
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bmsrescue.fleet.models import Attempt, Measurement

_ATTEMPTS = 60
_FEWEST = 2


@dataclass(frozen=True)
class Trend:
    """One rail at one station, the oldest value first; mV. `low` and `high` are the newest limits."""

    rail: str
    values: list[int]
    mean: float
    deviation: float
    low: int | None
    high: int | None

    @property
    def count(self) -> int:
        return len(self.values)

    @property
    def capability(self) -> float | None:
        """Cpk: how many times three deviations fit between the mean and the nearer limit. None without either."""
        room = [abs(limit - self.mean) for limit in (self.low, self.high) if limit is not None]
        return min(room) / (3 * self.deviation) if room and self.deviation else None

    @property
    def plot(self) -> dict[str, Any]:
        """For the page."""
        return {
            "values": self.values,
            "mean": round(self.mean, 1),
            "lower": round(self.mean - 3 * self.deviation, 1),
            "upper": round(self.mean + 3 * self.deviation, 1),
            "low": self.low,
            "high": self.high,
        }


def rail_trends(session: Session, station: str, phase: str = "proof") -> list[Trend]:
    """Each rail in the station's newest 60 attempts that measured it; a rail with fewer than two values is left out."""
    newest = (
        select(Attempt.id)
        .where(func.coalesce(Attempt.station, Attempt.helper) == station)
        .where(
            select(Measurement.rail).where(Measurement.attempt_id == Attempt.id, Measurement.phase == phase).exists()
        )
        .order_by(Attempt.id.desc())
        .limit(_ATTEMPTS)
    )
    rows = session.execute(
        select(Measurement.rail, Measurement.mv, Measurement.limit_low, Measurement.limit_high)
        .where(Measurement.phase == phase, Measurement.attempt_id.in_(newest))
        .order_by(Measurement.rail, Measurement.attempt_id)
    ).all()
    trends = []
    for rail, same in groupby(rows, key=lambda row: row.rail):
        measured = list(same)
        values = [row.mv for row in measured]
        if len(values) >= _FEWEST:
            last = measured[-1]
            trends.append(Trend(rail, values, fmean(values), stdev(values), last.limit_low, last.limit_high))
    return trends
