"""Attempts from ledger entries into the tables."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from bmsrescue.fleet.ledger import Entry
from bmsrescue.fleet.models import Attempt, Course, Image, Measurement, QuarantinedLine, SealedLine
from bmsrescue.fleet.records.reading import MEASURED, Reading, read_line
from bmsrescue.fleet.records.units import find_units
from bmsrescue.fleet.upsert import insert_all, insert_new, insert_new_returning, insert_plain

_CONTEXT = ("station", "operator", "label", "release_id", "time_source", "follows")


def project_attempts(session: Session, entries: Sequence[Entry]) -> None:
    """The attempts of entries that carry their lines; one that is there already stays as it is."""
    add_attempts(session, [(entry, read_line(entry.line)) for entry in entries if entry.line is not None])


def add_attempts(session: Session, readings: Sequence[tuple[Entry, Reading]]) -> None:
    """The same, of lines that have been read."""
    contexts = [entry.content for entry, _reading in readings]
    seen = [
        (reading, context.get("label"), entry.at) for (entry, reading), context in zip(readings, contexts, strict=True)
    ]
    rows = [
        {
            **reading.attempt,
            **{key: context.get(key) for key in _CONTEXT},
            "bench": entry.bench,
            "at": entry.at,
            "unit_id": unit_id,
        }
        for (entry, reading), context, unit_id in zip(readings, contexts, find_units(session, seen), strict=True)
    ]
    returned = insert_new_returning(session, Attempt, rows, Attempt.helper, Attempt.sequence, Attempt.id)
    ids = {(helper, sequence): number for helper, sequence, number in returned}
    new = [
        (ids[reading.helper, reading.sequence], reading)
        for _entry, reading in readings
        if (reading.helper, reading.sequence) in ids
    ]
    _set_aside(
        session, [(entry, reading) for entry, reading in readings if (reading.helper, reading.sequence) not in ids]
    )
    images = {reading.image["sha256"]: reading.image for _id, reading in new if reading.image}
    insert_new(session, Image, [images[key] for key in sorted(images)])
    insert_plain(session, SealedLine, ("attempt_id", "sha256", "line"), [(i, r.sha256, r.line) for i, r in new])
    measured = [(i, *row) for i, r in new for row in r.measurements]
    insert_plain(session, Measurement, ("attempt_id", *MEASURED), measured)
    insert_all(session, Course, [{"attempt_id": i, **r.course} for i, r in new])


def _set_aside(session: Session, readings: Sequence[tuple[Entry, Reading]]) -> None:
    """Records whose number is taken: the same one again is nothing, another one is kept where people look."""
    hashes = [reading.sha256 for _entry, reading in readings]
    here = set(session.scalars(select(SealedLine.sha256).where(SealedLine.sha256.in_(hashes))))
    rows = [
        {
            "sha256": reading.sha256,
            "source": f"bench {entry.bench}",
            "line_number": entry.number,
            "why": f"{reading.helper} {reading.sequence} is here already and says otherwise",
            "text": reading.line,
            "seen_at": entry.at,
        }
        for entry, reading in readings
        if reading.sha256 not in here
    ]
    insert_new(session, QuarantinedLine, rows)
