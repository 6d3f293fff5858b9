"""Attempts from ledger entries into the tables."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.orm import Session

from bmsrescue.fleet.ledger import Entry
from bmsrescue.fleet.models import Attempt, Course, Image, Measurement, RecordedConsent, SealedLine
from bmsrescue.fleet.records.consents import CONSENT
from bmsrescue.fleet.records.counting import count_attempts
from bmsrescue.fleet.records.fields import Row
from bmsrescue.fleet.records.reading import COURSE, MEASURED, Reading, read_line
from bmsrescue.fleet.records.units import find_units
from bmsrescue.fleet.upsert import insert_new, insert_plain, insert_plain_new_numbered, plain_times

_CONTEXT = ("station", "operator", "label", "release_id", "time_source", "follows", "signed")


def project_attempts(session: Session, entries: Sequence[Entry]) -> None:
    """The attempts of entries that carry their lines; one that is there already stays as it is."""
    add_attempts(
        session, [(entry, entry.content, read_line(entry.line)) for entry in entries if entry.line is not None]
    )


def add_attempts(session: Session, readings: Sequence[tuple[Entry, Row, Reading]]) -> None:
    """The same, of lines that have been read; each with its entry and that one's content."""
    if not readings:
        return
    times = plain_times(session, (entry.at for entry, _context, _reading in readings))
    units = find_units(session, [(reading, context.get("label"), entry.at) for entry, context, reading in readings])
    rows = [
        (*reading.attempt.values(), *map(context.get, _CONTEXT), entry.bench, times[entry.at], unit_id)
        for (entry, context, reading), unit_id in zip(readings, units, strict=True)
    ]
    columns = (*readings[0][2].attempt, *_CONTEXT, "bench", "at", "unit_id")
    ids = insert_plain_new_numbered(session, Attempt, columns, rows, ("sha256",))
    new: list[tuple[int, Reading]] = []
    added: list[tuple[Entry, Row, Reading]] = []
    for entry, context, reading in readings:
        # The same line again, from another site that had the helper or its card, is nothing new.
        number = ids.pop((reading.sha256,), None)
        if number is not None:
            new.append((number, reading))
            added.append((entry, context, reading))
    images = {reading.image["sha256"]: reading.image for _id, reading in new if reading.image}
    insert_new(session, Image, [images[key] for key in sorted(images)])
    insert_plain(session, SealedLine, ("attempt_id", "line"), [(i, r.line) for i, r in new])
    measured = [(i, *row) for i, r in new for row in r.measurements]
    insert_plain(session, Measurement, ("attempt_id", *MEASURED), measured)
    consents = [(i, *r.consent) for i, r in new if r.consent]
    insert_plain(session, RecordedConsent, ("attempt_id", *CONSENT), consents)
    insert_plain(session, Course, ("attempt_id", *COURSE), [(i, *r.course) for i, r in new])
    count_attempts(session, added)
