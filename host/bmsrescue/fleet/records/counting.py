"""Attempts counted by day as they come in (`DayCount`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC

from sqlalchemy.orm import Session

from bmsrescue.fleet.ledger import Entry
from bmsrescue.fleet.models import DayCount
from bmsrescue.fleet.records.reading import Reading
from bmsrescue.fleet.upsert import insert_or_add

_KEY = ("day", "bench", "outcome", "cause", "firmware")


def count_attempts(session: Session, added: Sequence[tuple[Entry, Reading]]) -> None:
    """Count attempts that are in `attempts` from this transaction on."""
    counted: Counter[tuple[object, ...]] = Counter(
        (
            entry.at.astimezone(UTC).date(),
            entry.bench,
            reading.attempt["outcome"],
            reading.attempt["cause"],
            reading.attempt["firmware"] or "",
        )
        for entry, reading in added
    )
    rows = [dict(zip(_KEY, key, strict=True)) | {"count": count} for key, count in counted.items()]
    # In one order everywhere, so that two writers never wait for each other's rows.
    rows.sort(key=lambda row: [str(row[name]) for name in _KEY])
    insert_or_add(session, DayCount, rows, "count")
