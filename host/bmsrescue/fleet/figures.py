"""What the records say together: causes, yields with their confidence, units that came back, rails per station.

A fault of the tool (TOOL_ERROR) or of the wires (CHECK_WIRES) and a job that was stopped (ABORTED) are no attempts at
a unit and are counted apart;
an attempt whose unit was taken out in work is not counted.
What is shown first comes from the counts by day (`DayCount`), so `since` means the whole of its day, in UTC.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from math import sqrt

from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from bmsrescue.fleet.models import Attempt, DayCount, RailDay
from rescuelink.outcomes import ABORTED, CHECK_WIRES, NO_FAULT_FOUND, OUTCOMES, TOOL_ERROR, exit_class

_NOT_COUNTED = (TOOL_ERROR, CHECK_WIRES, ABORTED)
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
class FirmwareCount:
    """Units that carried `firmware` when they came ("": it is not known), and what they had most often."""

    firmware: str
    ended_well: Share
    cause: str
    cause_count: int


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


def pareto(session: Session, since: datetime | None = None, firmware: str | None = None) -> list[CauseCount]:
    """Causes by how often they were found; of units that carried `firmware` ("": not known), where it is given."""
    count = func.sum(DayCount.count)
    counted = (
        select(DayCount.cause, count)
        .where(DayCount.outcome.not_in(_NOT_COUNTED), *_days(since))
        .group_by(DayCount.cause)
        .order_by(count.desc(), DayCount.cause)
    )
    if firmware is not None:
        counted = counted.where(DayCount.firmware == firmware)
    rows = [(cause, int(number)) for cause, number in session.execute(counted)]
    total = sum(number for _cause, number in rows)
    found, so_far = [], 0
    for cause, number in rows:
        so_far += number
        found.append(CauseCount(cause, number, so_far / total))
    return found


def by_firmware(session: Session, since: datetime | None = None) -> list[FirmwareCount]:
    """What firmware the units carried when they came, the commonest first, each with its commonest cause."""
    counted = (
        select(DayCount.firmware, DayCount.cause, DayCount.outcome, func.sum(DayCount.count))
        .where(DayCount.outcome.not_in(_NOT_COUNTED), *_days(since))
        .group_by(DayCount.firmware, DayCount.cause, DayCount.outcome)
    )
    causes: dict[str, Counter[str]] = {}
    good: Counter[str] = Counter()
    for firmware, cause, outcome, number in session.execute(counted):
        causes.setdefault(firmware, Counter())[cause] += int(number)
        good[firmware] += int(number) if outcome in _GOOD else 0
    found = []
    for firmware, of_it in causes.items():
        cause, most = min(of_it.items(), key=lambda item: (-item[1], item[0]))
        found.append(FirmwareCount(firmware, wilson(good[firmware], of_it.total()), cause, most))
    return sorted(found, key=lambda one: (-one.ended_well.total, one.firmware))


def outcomes(session: Session, since: datetime | None = None) -> dict[str, int]:
    """How many attempts ended how."""
    counted = select(DayCount.outcome, func.sum(DayCount.count)).where(*_days(since)).group_by(DayCount.outcome)
    return {row[0]: int(row[1]) for row in sorted(session.execute(counted), key=lambda row: str(row[0]))}


def weekly_yield(session: Session, since: datetime | None = None) -> list[Week]:
    """Of the attempts that needed a cure, how many recovered their unit, by week."""
    counted = (
        select(DayCount.day, DayCount.outcome, func.sum(DayCount.count))
        .where(DayCount.outcome.not_in((*_NOT_COUNTED, NO_FAULT_FOUND)), *_days(since))
        .group_by(DayCount.day, DayCount.outcome)
    )
    recovered: Counter[date] = Counter()
    total: Counter[date] = Counter()
    for day, outcome, number in session.execute(counted):
        monday = day - timedelta(days=day.weekday())
        total[monday] += int(number)
        recovered[monday] += int(number) if outcome in _RECOVERED else 0
    return [Week(monday, wilson(recovered[monday], total[monday])) for monday in sorted(total)]


def first_pass(session: Session, since: datetime | None = None) -> Share:
    """Units that ended well at their first attempt, of all units."""
    earlier = aliased(Attempt)
    counted = select(func.count().filter(Attempt.outcome.in_(_GOOD)), func.count()).where(
        *_of_units(Attempt, since),
        ~exists().where(earlier.unit_id == Attempt.unit_id, earlier.id < Attempt.id, *_of_units(earlier, since)),
    )
    good, total = session.execute(counted).one()
    return wilson(good, total)


def no_fault_found(session: Session, since: datetime | None = None) -> Share:
    """Attempts that found nothing wrong."""
    counted = {name: count for name, count in outcomes(session, since).items() if name not in _NOT_COUNTED}
    return wilson(counted.get(NO_FAULT_FOUND, 0), sum(counted.values()))


def bounced(session: Session, since: datetime | None = None) -> Share:
    """Units that came back within 90 days, on another day, after they had ended well; of all that ended well."""
    before = (
        select(
            Attempt.unit_id,
            Attempt.at,
            func.lag(Attempt.at, type_=Attempt.at.type)
            .over(partition_by=Attempt.unit_id, order_by=Attempt.id)
            .label("before"),
            func.lag(Attempt.outcome).over(partition_by=Attempt.unit_id, order_by=Attempt.id).label("outcome_before"),
        )
        .where(*_of_units(Attempt, since))
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
    counted = (
        select(
            RailDay.station,
            RailDay.rail,
            func.sum(RailDay.count),
            func.sum(RailDay.total_mv),
            func.min(RailDay.low_mv),
            func.max(RailDay.high_mv),
            func.min(RailDay.limit_low),
            func.max(RailDay.limit_high),
            func.sum(RailDay.failed),
        )
        .where(RailDay.phase == phase, *_days(since, RailDay.day))
        .group_by(RailDay.station, RailDay.rail)
        .order_by(RailDay.rail, RailDay.station)
    )
    return [
        RailSpread(row[0], row[1], int(row[2]), int(row[3]) / int(row[2]), *row[4:8], failed=int(row[8]))
        for row in session.execute(counted)
    ]


def _of_units(attempt: type[Attempt], since: datetime | None) -> Sequence[ColumnElement[bool]]:
    counts = attempt.unit_id.is_not(None), attempt.taken_out.is_(False), attempt.outcome.not_in(_NOT_COUNTED)
    return counts if since is None else (*counts, attempt.at >= since)


def _since(since: datetime | None) -> Sequence[ColumnElement[bool]]:
    return () if since is None else (Attempt.at >= since,)


def _days(since: datetime | None, column: InstrumentedAttribute[date] = DayCount.day) -> Sequence[ColumnElement[bool]]:
    return () if since is None else (column >= since.astimezone(UTC).date(),)
