"""What the records say together: causes, yields with their confidence, units that came back, rails per station.

A fault of the tool (TOOL_ERROR) and a job that was stopped (ABORTED) are no attempts at a unit and are counted apart.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import sqrt

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session

from bmsrescue.fleet.models import Attempt, Measurement
from rescuelink.outcomes import ABORTED, NO_FAULT_FOUND, OUTCOMES, TOOL_ERROR, exit_class

_NOT_COUNTED = (TOOL_ERROR, ABORTED)
_GOOD = tuple(name for name in OUTCOMES if exit_class(name) == 0)
_RECOVERED = tuple(name for name in _GOOD if name != NO_FAULT_FOUND)
_BOUNCE = timedelta(days=90)
_Z95 = 1.959964


@dataclass(frozen=True)
class Share:
    """`count` of `total`, with the 95 % Wilson interval; all shares are 0 to 1."""

    count: int
    total: int
    low: float
    high: float

    @property
    def share(self) -> float:
        return self.count / self.total if self.total else 0.0


@dataclass(frozen=True)
class CauseCount:
    """A bar of the Pareto: how many, and the share of all causes up to and with this one."""

    cause: str
    count: int
    cumulative: float


@dataclass(frozen=True)
class Week:
    """The units that were finished in the week that begins on `monday`."""

    monday: date
    recovered: Share


@dataclass(frozen=True)
class RailSpread:
    """A rail over many attempts, in mV."""

    station: str
    rail: str
    count: int
    mean: float
    low: int
    high: int
    limit_low: int | None
    limit_high: int | None
    failed: int


def wilson(count: int, total: int) -> Share:
    """The share with its 95 % interval, which is honest for few units, too."""
    if total == 0:
        return Share(0, 0, 0.0, 1.0)
    p, z2 = count / total, _Z95 * _Z95
    middle = (p + z2 / (2 * total)) / (1 + z2 / total)
    half = _Z95 * sqrt(p * (1 - p) / total + z2 / (4 * total * total)) / (1 + z2 / total)
    return Share(count, total, max(0.0, middle - half), min(1.0, middle + half))


def pareto(session: Session, since: datetime | None = None) -> list[CauseCount]:
    """Causes by how often they were found."""
    counted = (
        select(Attempt.cause, func.count().label("count"))
        .where(Attempt.outcome.not_in(_NOT_COUNTED), *_since(since))
        .group_by(Attempt.cause)
        .order_by(func.count().desc(), Attempt.cause)
    )
    rows = [(cause, count) for cause, count in session.execute(counted)]
    total = sum(count for _cause, count in rows)
    found, so_far = [], 0
    for cause, count in rows:
        so_far += count
        found.append(CauseCount(cause, count, so_far / total))
    return found


def outcomes(session: Session, since: datetime | None = None) -> dict[str, int]:
    """How many attempts ended how."""
    counted = select(Attempt.outcome, func.count()).where(*_since(since)).group_by(Attempt.outcome)
    return {row[0]: row[1] for row in sorted(session.execute(counted), key=lambda row: str(row[0]))}


def weekly_yield(session: Session, since: datetime | None = None) -> list[Week]:
    """Of the attempts that needed a cure, how many recovered their unit, by week."""
    day = func.date(Attempt.at)
    counted = (
        select(day, Attempt.outcome, func.count())
        .where(Attempt.outcome.not_in((*_NOT_COUNTED, NO_FAULT_FOUND)), *_since(since))
        .group_by(day, Attempt.outcome)
    )
    recovered: Counter[date] = Counter()
    total: Counter[date] = Counter()
    for text, outcome, count in session.execute(counted):
        on = date.fromisoformat(str(text))
        monday = on - timedelta(days=on.weekday())
        total[monday] += count
        recovered[monday] += count if outcome in _RECOVERED else 0
    return [Week(monday, wilson(recovered[monday], total[monday])) for monday in sorted(total)]


def first_pass(session: Session, since: datetime | None = None) -> Share:
    """Units that ended well at their first attempt, of all units."""
    first = (
        select(func.min(Attempt.id))
        .where(Attempt.unit_id.is_not(None), Attempt.outcome.not_in(_NOT_COUNTED), *_since(since))
        .group_by(Attempt.unit_id)
    )
    return _share(session, Attempt.id.in_(first), Attempt.outcome.in_(_GOOD))


def no_fault_found(session: Session, since: datetime | None = None) -> Share:
    """Attempts that found nothing wrong."""
    among = and_(Attempt.outcome.not_in(_NOT_COUNTED), *_since(since))
    return _share(session, among, Attempt.outcome == NO_FAULT_FOUND)


def bounced(session: Session, since: datetime | None = None) -> Share:
    """Units that came back within 90 days, on another day, after they had ended well; of all that ended well."""
    before = (
        select(
            Attempt.unit_id,
            Attempt.at,
            func.lag(Attempt.at).over(partition_by=Attempt.unit_id, order_by=Attempt.id).label("before"),
            func.lag(Attempt.outcome).over(partition_by=Attempt.unit_id, order_by=Attempt.id).label("outcome_before"),
        )
        .where(Attempt.unit_id.is_not(None), Attempt.outcome.not_in(_NOT_COUNTED), *_since(since))
        .subquery()
    )
    returned = select(before.c.unit_id, before.c.at, before.c.before).where(before.c.outcome_before.in_(_GOOD))
    back = {
        unit
        for unit, at, earlier in session.execute(returned)
        if at.date() != earlier.date() and at - earlier <= _BOUNCE
    }
    well = select(func.count(Attempt.unit_id.distinct())).where(Attempt.outcome.in_(_GOOD), *_since(since))
    return wilson(len(back), session.scalar(well) or 0)


def rail_spreads(session: Session, phase: str = "proof", since: datetime | None = None) -> list[RailSpread]:
    """Each rail at each station: a station that measures otherwise than the others stands out."""
    station = func.coalesce(Attempt.station, Attempt.helper)
    counted = (
        select(
            station,
            Measurement.rail,
            func.count(),
            func.avg(Measurement.mv),
            func.min(Measurement.mv),
            func.max(Measurement.mv),
            func.min(Measurement.limit_low),
            func.max(Measurement.limit_high),
            func.count().filter(Measurement.verdict == "fail"),
        )
        .join(Attempt, Attempt.id == Measurement.attempt_id)
        .where(Measurement.phase == phase, *_since(since))
        .group_by(station, Measurement.rail)
        .order_by(Measurement.rail, station)
    )
    return [RailSpread(row[0], row[1], row[2], float(row[3]), *row[4:]) for row in session.execute(counted)]


def _share(session: Session, among: ColumnElement[bool], which: ColumnElement[bool]) -> Share:
    row = session.execute(select(func.count().filter(which), func.count()).select_from(Attempt).where(among)).one()
    return wilson(row[0], row[1])


def _since(since: datetime | None) -> Sequence[ColumnElement[bool]]:
    return () if since is None else (Attempt.at >= since,)
