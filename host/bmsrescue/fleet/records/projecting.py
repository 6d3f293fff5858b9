"""Attempts from ledger entries into the tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from bmsrescue.fleet.ledger import Entry
from bmsrescue.fleet.models import Attempt, Base, Image, Measurement, SealedLine, SectorMap, Step
from bmsrescue.fleet.records.reading import Reading, Row, read_line
from bmsrescue.fleet.records.units import find_units
from bmsrescue.fleet.upsert import insert_new, insert_new_returning

_CONTEXT = ("station", "operator", "label", "release_id", "time_source", "follows")


def project_attempts(session: Session, entries: Sequence[Entry]) -> None:
    """The attempts of entries that carry their lines; one that is there already stays as it is."""
    add_attempts(session, [(entry, read_line(entry.line)) for entry in entries if entry.line is not None])


def add_attempts(session: Session, readings: Sequence[tuple[Entry, Reading]]) -> None:
    """The same, of lines that have been read."""
    units = find_units(session, [(reading, entry.content.get("label"), entry.at) for entry, reading in readings])
    rows = []
    for (entry, reading), unit_id in zip(readings, units, strict=True):
        context = entry.content
        own: Row = {key: context.get(key) for key in _CONTEXT}
        rows.append({**reading.attempt, **own, "bench": entry.bench, "at": entry.at, "unit_id": unit_id})
    returned = insert_new_returning(session, Attempt, rows, Attempt.helper, Attempt.sequence, Attempt.id)
    ids = {(helper, sequence): number for helper, sequence, number in returned}
    new = [(ids[reading.helper, reading.sequence], reading) for _entry, reading in readings if _key(reading) in ids]
    images = {reading.image["sha256"]: reading.image for _id, reading in new if reading.image}
    insert_new(session, Image, [images[key] for key in sorted(images)])
    _add(session, SealedLine, [{"attempt_id": i, "sha256": r.sha256, "line": r.line} for i, r in new])
    _add(session, Step, [{"attempt_id": i, **row} for i, r in new for row in r.steps])
    _add(session, Measurement, [{"attempt_id": i, **row} for i, r in new for row in r.measurements])
    _add(session, SectorMap, [{"attempt_id": i, **row} for i, r in new for row in r.sector_maps])


def _key(reading: Reading) -> tuple[str, int]:
    return reading.helper, reading.sequence


def _add(session: Session, table: type[Base], rows: list[dict[str, Any]]) -> None:
    if rows:
        session.execute(insert(table), rows)
