"""Rails counted by day as they come in (`RailDay`), and attempts that turn out not to count.

Rails of an attempt that does not count (`NOT_COUNTED`, or its unit was taken out in work) are in no mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from bmsrescue.fleet.ledger import Entry
from bmsrescue.fleet.models import Attempt, Measurement, RailDay, RailMonth
from bmsrescue.fleet.records.fields import Row
from bmsrescue.fleet.records.reading import Reading
from bmsrescue.fleet.records.rollups import roll_out
from bmsrescue.fleet.records.uncertainty import FAIL
from bmsrescue.fleet.records.which_count import NOT_COUNTED
from bmsrescue.fleet.spans import month_of
from bmsrescue.fleet.upsert import insert_new, insert_or_merge

_RAILS = ("day", "bench", "station", "phase", "rail")
_OF_RAIL = ("count", "total_mv", "low_mv", "high_mv", "limit_low", "limit_high", "failed")


def count_out(session: Session, site: str, named: Row) -> None:
    """The unit was taken out in work: what its attempt says is no verdict on it, and is not counted any more.

    `named`: by the hash of its record; by "helper" and "sequence" in entries from before that.
    """
    sha256 = named.get("sha256")
    here = (
        [Attempt.sha256 == sha256]
        if sha256
        else [Attempt.helper == named["helper"], Attempt.sequence == named["sequence"]]
    )
    attempt = session.execute(
        update(Attempt)
        .where(Attempt.bench == site, *here)
        .where(Attempt.taken_out.is_(False))
        .values(taken_out=True)
        .returning(Attempt.id, Attempt.at, Attempt.outcome, Attempt.station, Attempt.helper, Attempt.helper_id)
    ).first()
    if attempt is None:
        return
    number, at, outcome, station, helper, helper_id = attempt
    roll_out(session, site, number)
    if outcome not in NOT_COUNTED:
        _count_rails_again(session, number, at.astimezone(UTC).date(), site, station, helper, helper_id)


def place_of(helper: str, helper_id: str) -> str:
    """What stands for a station where there was none: the helper, told apart from others of its name."""
    return helper if helper_id.startswith("label ") else f"{helper} {helper_id[-6:]}"


def count_rails_again(session: Session, attempt: Attempt) -> None:
    """The rails of an attempt's day and station, after it was marked or is good again."""
    if attempt.outcome not in NOT_COUNTED:
        day = attempt.at.astimezone(UTC).date()
        _count_rails_again(session, attempt.id, day, attempt.bench, attempt.station, attempt.helper, attempt.helper_id)


def _count_rails_again(
    session: Session, number: int, day: date, site: str, station: str | None, helper: str, helper_id: str
) -> None:
    """The rails that an attempt measured, of its day and station, without it: extremes cannot be taken back."""
    place = (day, site, station or place_of(helper, helper_id))
    here = (
        [Attempt.station == station]
        if station
        else [Attempt.station.is_(None), Attempt.helper == helper, Attempt.helper_id == helper_id]
    )
    at_place = [RailDay.day == day, RailDay.bench == site, RailDay.station == place[2]]
    begin = datetime(day.year, day.month, day.day, tzinfo=UTC)
    for phase, rail in session.execute(
        select(Measurement.phase, Measurement.rail).where(Measurement.attempt_id == number)
    ).all():
        session.execute(delete(RailDay).where(*at_place, RailDay.phase == phase, RailDay.rail == rail))
        left = session.execute(
            select(
                func.count(),
                func.sum(Measurement.mv),
                func.min(Measurement.mv),
                func.max(Measurement.mv),
                func.min(Measurement.limit_low),
                func.max(Measurement.limit_high),
                func.count().filter(Measurement.verdict == FAIL),
            )
            .join(Attempt, Attempt.id == Measurement.attempt_id)
            .where(Measurement.phase == phase, Measurement.rail == rail)
            .where(Attempt.bench == site, *here)
            .where(Attempt.at >= begin, Attempt.at < begin + timedelta(days=1))
            .where(Attempt.taken_out.is_(False), Attempt.outcome.not_in(NOT_COUNTED))
        ).one()
        if left[0]:
            row = dict(zip(_RAILS, (*place, phase, rail), strict=True))
            row |= dict(zip(_OF_RAIL, (left[0], int(left[1]), *left[2:]), strict=True))
            insert_new(session, RailDay, [row])
        _sum_month_again(session, day, place[2], site, phase, rail)


def _sum_month_again(session: Session, day: date, station: str, bench: str, phase: str, rail: str) -> None:
    """Of a rail at a station, from its days."""
    month, after = month_of(day)
    at_place = {"bench": bench, "station": station, "phase": phase, "rail": rail}
    session.execute(delete(RailMonth).where(RailMonth.month == month).filter_by(**at_place))
    left = session.execute(
        select(
            func.sum(RailDay.count),
            func.sum(RailDay.total_mv),
            func.min(RailDay.low_mv),
            func.max(RailDay.high_mv),
            func.min(RailDay.limit_low),
            func.max(RailDay.limit_high),
            func.sum(RailDay.failed),
        )
        .where(RailDay.day >= month, RailDay.day < after)
        .filter_by(**at_place)
    ).one()
    if left[0]:
        whole = (int(left[0]), int(left[1]), *left[2:6], int(left[6]))
        insert_new(session, RailMonth, [{"month": month} | at_place | dict(zip(_OF_RAIL, whole, strict=True))])


def count_rails(session: Session, added: Sequence[tuple[Entry, Row, Reading]]) -> None:
    """Of attempts that are in `attempts` from this transaction on; each with its entry and that one's content."""
    rows: dict[tuple[object, ...], Row] = {}
    for entry, context, reading in added:
        if reading.attempt["outcome"] in NOT_COUNTED:
            continue
        place = (
            entry.at.astimezone(UTC).date(),
            entry.bench,
            context.get("station") or place_of(reading.helper, reading.helper_id),
        )
        for phase, rail, mv, _lowest, _highest, low, high, _uncertainty, judged in reading.measurements:
            key = (*place, phase, rail)
            row = rows.get(key)
            if row is None:
                row = rows[key] = dict(zip(_RAILS, key, strict=True)) | {
                    "count": 0,
                    "total_mv": 0,
                    "low_mv": mv,
                    "high_mv": mv,
                    "limit_low": low,
                    "limit_high": high,
                    "failed": 0,
                }
            row["count"] += 1
            row["total_mv"] += mv
            row["failed"] += judged == FAIL
            if mv < row["low_mv"]:
                row["low_mv"] = mv
            if mv > row["high_mv"]:
                row["high_mv"] = mv
            if low is not None and (row["limit_low"] is None or low < row["limit_low"]):
                row["limit_low"] = low
            if high is not None and (row["limit_high"] is None or high > row["limit_high"]):
                row["limit_high"] = high
    merged = {"added": ("count", "total_mv", "failed"), "least": ("low_mv", "limit_low")}
    most = ("high_mv", "limit_high")
    by_day = _in_order(list(rows.values()), _RAILS)
    insert_or_merge(session, RailDay, by_day, **merged, most=most)
    # Mostly all rows are of one month: the same rows under another name.
    by_month = [
        {"month": month_of(row["day"])[0]} | {name: row[name] for name in (*_RAILS[1:], *_OF_RAIL)} for row in by_day
    ]
    insert_or_merge(session, RailMonth, by_month, **merged, most=most)


def _in_order(rows: list[Row], key: Sequence[str]) -> list[Row]:
    """The same order everywhere, so that two writers never wait for each other's rows."""
    return sorted(rows, key=lambda row: [str(row[name]) for name in key])
