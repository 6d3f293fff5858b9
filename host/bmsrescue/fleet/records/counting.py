"""Attempts and rails counted by day as they come in (`DayCount`, `RailDay`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC

from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from bmsrescue.fleet.ledger import Entry
from bmsrescue.fleet.models import Attempt, DayCount, RailDay
from bmsrescue.fleet.records.fields import Row
from bmsrescue.fleet.records.reading import Reading
from bmsrescue.fleet.records.uncertainty import FAIL
from bmsrescue.fleet.upsert import insert_or_merge

_ENDS = ("day", "bench", "outcome", "cause", "firmware")
_RAILS = ("day", "bench", "station", "phase", "rail")


def count_attempts(session: Session, added: Sequence[tuple[Entry, Row, Reading]]) -> None:
    """Count attempts that are in `attempts` from this transaction on; each with its entry and that one's content."""
    _count_ends(session, added)
    _count_rails(session, added)


def count_out(session: Session, bench: str, helper: str, sequence: int) -> None:
    """The unit was taken out in work: what its attempt says is no verdict on it, and is not counted any more."""
    attempt = session.execute(
        update(Attempt)
        .where(Attempt.bench == bench, Attempt.helper == helper, Attempt.sequence == sequence)
        .where(Attempt.taken_out.is_(False))
        .values(taken_out=True)
        .returning(Attempt.at, Attempt.outcome, Attempt.cause, Attempt.firmware)
    ).one_or_none()
    if attempt is None:
        return
    at, outcome, cause, firmware = attempt
    key = (at.astimezone(UTC).date(), bench, outcome, cause, firmware or "")
    counted = [getattr(DayCount, name) == value for name, value in zip(_ENDS, key, strict=True)]
    session.execute(update(DayCount).where(*counted).values(count=DayCount.count - 1))
    session.execute(delete(DayCount).where(*counted, DayCount.count == 0))


def _count_ends(session: Session, added: Sequence[tuple[Entry, Row, Reading]]) -> None:
    counted: Counter[tuple[object, ...]] = Counter(
        (
            entry.at.astimezone(UTC).date(),
            entry.bench,
            reading.attempt["outcome"],
            reading.attempt["cause"],
            reading.attempt["firmware"] or "",
        )
        for entry, _context, reading in added
    )
    rows = [dict(zip(_ENDS, key, strict=True)) | {"count": count} for key, count in counted.items()]
    insert_or_merge(session, DayCount, _in_order(rows, _ENDS), added=("count",))


def _count_rails(session: Session, added: Sequence[tuple[Entry, Row, Reading]]) -> None:
    rows: dict[tuple[object, ...], Row] = {}
    for entry, context, reading in added:
        place = (entry.at.astimezone(UTC).date(), entry.bench, context.get("station") or reading.helper)
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
    insert_or_merge(session, RailDay, _in_order(list(rows.values()), _RAILS), **merged, most=("high_mv", "limit_high"))


def _in_order(rows: list[Row], key: Sequence[str]) -> list[Row]:
    """The same order everywhere, so that two writers never wait for each other's rows."""
    return sorted(rows, key=lambda row: [str(row[name]) for name in key])
