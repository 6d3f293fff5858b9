"""What the records say together: causes, yields with their confidence, units that came back, rails per station.

A fault of the tool (TOOL_ERROR) or of the wires (CHECK_WIRES) and a job that was stopped (ABORTED) are no attempts at
a unit and are counted apart;
an attempt whose unit was taken out in work is not counted.
All of it comes from the counts by day and month (`models.counts`), so `since` means the whole of its day, in UTC.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from math import sqrt

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from bmsrescue.fleet.models import DayCount, LineDay, MonthCount, RailDay, RailMonth
from bmsrescue.fleet.records.rollups import IDENTIFIED
from bmsrescue.fleet.records.which_count import GOOD, NOT_COUNTED
from bmsrescue.fleet.spans import Span, counts_over, span_of
from rescuelink.outcomes import NO_FAULT_FOUND

_NO_CAUSE = ("healthy", "not-examined")  # nothing is wrong; nothing is known
_RECOVERED = tuple(name for name in GOOD if name != NO_FAULT_FOUND)
_Z95 = 1.959964
MOST_RAILS = 200


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
    """A bar of the Pareto: how many, their share of all causes, and that of all up to and with this one."""

    cause: str
    count: int
    share: float
    cumulative: float


@dataclass(frozen=True)
class FirmwareCount:
    """Units that carried `firmware` when they came ("": it is not known), and what they had most often.

    `cause` is empty where nothing was wrong with any of them.
    """

    firmware: str
    ended_well: Share
    cause: str
    cause_count: int


@dataclass(frozen=True)
class Week:
    """The units that were finished in the week that begins on `monday`."""

    monday: date
    recovered: Share

    @property
    def sunday(self) -> date:
        return self.monday + timedelta(days=6)


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
    # At none and at all the interval ends there; a rounded root would say "> 99.9 %".
    return Share(
        count, total, max(0.0, middle - half) if count else 0.0, min(1.0, middle + half) if count < total else 1.0
    )


def pareto(session: Session, since: datetime | None = None, firmware: str | None = None) -> list[CauseCount]:
    """Causes by how often they were found; of units that carried `firmware` ("": not known), where it is given.

    What is wrong with a unit is a cause: an attempt that found nothing wrong, or never came to look, has none.
    """
    like = {} if firmware is None else {"firmware": firmware}
    of = counts_over(DayCount, MonthCount, ("cause", "outcome"), ("count",), _since(since), **like)
    count = func.sum(of.c.count)
    counted = (
        select(of.c.cause, count)
        .where(of.c.outcome.not_in((*NOT_COUNTED, NO_FAULT_FOUND)), of.c.cause.not_in(_NO_CAUSE))
        .group_by(of.c.cause)
        .having(count > 0)
        .order_by(count.desc(), of.c.cause)
    )
    rows = [(cause, int(number)) for cause, number in session.execute(counted)]
    total = sum(number for _cause, number in rows)
    found, so_far = [], 0
    for cause, number in rows:
        so_far += number
        found.append(CauseCount(cause, number, number / total, so_far / total))
    return found


def by_firmware(session: Session, since: datetime | None = None) -> list[FirmwareCount]:
    """What firmware the units carried when they came, the commonest first, each with its commonest cause."""
    of = counts_over(DayCount, MonthCount, ("firmware", "cause", "outcome"), ("count",), _since(since))
    counted = (
        select(of.c.firmware, of.c.cause, of.c.outcome, func.sum(of.c.count))
        .where(of.c.outcome.not_in(NOT_COUNTED))
        .group_by(of.c.firmware, of.c.cause, of.c.outcome)
        .having(func.sum(of.c.count) > 0)
    )
    causes: dict[str, Counter[str]] = {}
    good: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for firmware, cause, outcome, number in session.execute(counted):
        total[firmware] += int(number)
        of_it = causes.setdefault(firmware, Counter())
        if outcome != NO_FAULT_FOUND and cause not in _NO_CAUSE:
            of_it[cause] += int(number)
        good[firmware] += int(number) if outcome in GOOD else 0
    found = []
    for firmware, of_it in causes.items():
        cause, most = min(of_it.items(), key=lambda item: (-item[1], item[0]), default=("", 0))
        found.append(FirmwareCount(firmware, wilson(good[firmware], total[firmware]), cause, most))
    return sorted(found, key=lambda one: (-one.ended_well.total, one.firmware))


def outcomes(session: Session, since: datetime | None = None) -> dict[str, int]:
    """How many attempts ended how."""
    of = counts_over(DayCount, MonthCount, ("outcome",), ("count",), _since(since))
    count = func.sum(of.c.count)
    counted = select(of.c.outcome, count).group_by(of.c.outcome).having(count > 0)
    return {row[0]: int(row[1]) for row in sorted(session.execute(counted), key=lambda row: str(row[0]))}


def weekly_yield(session: Session, since: datetime | None = None) -> list[Week]:
    """Of the attempts that needed a cure, how many recovered their unit, by week."""
    counted = (
        select(LineDay.day, LineDay.value, func.sum(LineDay.counted))
        .where(LineDay.dimension == "outcome", LineDay.value != NO_FAULT_FOUND)
        .where(*_days(since))
        .group_by(LineDay.day, LineDay.value)
        .having(func.sum(LineDay.counted) > 0)
    )
    recovered: Counter[date] = Counter()
    total: Counter[date] = Counter()
    for day, outcome, number in session.execute(counted):
        monday = day - timedelta(days=day.weekday())
        total[monday] += int(number)
        recovered[monday] += int(number) if outcome in _RECOVERED else 0
    return [Week(monday, wilson(recovered[monday], total[monday])) for monday in sorted(total)]


def first_pass(session: Session, since: datetime | None = None) -> Share:
    """Of the units that came for the first time ever since then, those that ended well at that first attempt.

    A unit whose first attempt was before is none of them, however often it came since.
    """
    good, total = _summed(session, since, LineDay.first_well, LineDay.first)
    return wilson(good, total)


def no_fault_found(session: Session, since: datetime | None = None) -> Share:
    """Attempts that found nothing wrong."""
    counted = {name: count for name, count in outcomes(session, since).items() if name not in NOT_COUNTED}
    return wilson(counted.get(NO_FAULT_FOUND, 0), sum(counted.values()))


def bounced(session: Session, since: datetime | None = None) -> Share:
    """Of the times that a unit ended well since then, those after which it was here again: within 90 days, not on the
    same day.
    """
    back, well = _summed(session, since, LineDay.back, LineDay.well)
    return wilson(back, well)


def rail_spreads(session: Session, phase: str = "proof", since: datetime | None = None) -> list[RailSpread]:
    """Each rail at each station: a station that measures otherwise than the others stands out.

    At most `MOST_RAILS`: those with the most readings outside their limits, then the busiest.
    """
    values = ("count", "total_mv", "low_mv", "high_mv", "limit_low", "limit_high", "failed")
    of = counts_over(RailDay, RailMonth, ("station", "rail"), values, _since(since, take_off=False), phase=phase)
    failed, count = func.sum(of.c.failed), func.sum(of.c.count)
    counted = (
        select(
            of.c.station,
            of.c.rail,
            count,
            func.sum(of.c.total_mv),
            func.min(of.c.low_mv),
            func.max(of.c.high_mv),
            func.min(of.c.limit_low),
            func.max(of.c.limit_high),
            failed,
        )
        .group_by(of.c.station, of.c.rail)
        .order_by(failed.desc(), count.desc(), of.c.rail, of.c.station)
        .limit(MOST_RAILS)
    )
    found = [
        RailSpread(row[0], row[1], int(row[2]), int(row[3]) / int(row[2]), *row[4:8], failed=int(row[8]))
        for row in session.execute(counted)
    ]
    return sorted(found, key=lambda one: (one.rail, one.station))


def _summed(session: Session, since: datetime | None, *columns: InstrumentedAttribute[int]) -> list[int]:
    """Of attempts whose unit is known."""
    sums = select(*(func.sum(one) for one in columns)).where(LineDay.dimension == IDENTIFIED)
    return [int(one or 0) for one in session.execute(sums.where(*_days(since))).one()]


def _days(since: datetime | None) -> Sequence[ColumnElement[bool]]:
    return () if since is None else (LineDay.day >= since.astimezone(UTC).date(),)


def _since(since: datetime | None, take_off: bool = True) -> Span:
    return span_of(None if since is None else since.astimezone(UTC).date(), take_off=take_off)
