"""Attempts from ledger entries into the tables."""

from __future__ import annotations

import json
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from bmsrescue.fleet.ledger import Entry
from bmsrescue.fleet.models import Attempt, Course, Image, Measurement, RecordedConsent, SealedLine
from bmsrescue.fleet.records.consents import CONSENT
from bmsrescue.fleet.records.counting import count_rails
from bmsrescue.fleet.records.fields import Row
from bmsrescue.fleet.records.reading import COURSE, MEASURED, Reading, read_line
from bmsrescue.fleet.records.rollups import Earlier, Fact, cards_of, fact_of, take_turn
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
    bench = readings[0][0].bench
    sums = take_turn(session, bench)
    times = plain_times(session, (entry.at for entry, _context, _reading in readings))
    units = find_units(
        session, bench, [(reading, context.get("label"), entry.at) for entry, context, reading in readings]
    )
    facts = _facts(session, readings, units)
    rows = [
        (
            *(*reading.attempt.values(), *map(context.get, _CONTEXT), entry.bench, times[entry.at], unit_id),
            reading.sha256 in facts and facts[reading.sha256].first,
        )
        for (entry, context, reading), unit_id in zip(readings, units, strict=True)
    ]
    columns = (*readings[0][2].attempt, *_CONTEXT, "bench", "at", "unit_id", "first")
    ids = insert_plain_new_numbered(session, Attempt, columns, rows, ("sha256",))
    new: list[tuple[int, Reading]] = []
    added: list[tuple[Entry, Row, Reading]] = []
    for entry, context, reading in readings:
        # The same line again, from another site that had the helper or its card, is nothing new.
        number = ids.pop((reading.sha256,), None)
        if number is not None:
            new.append((number, reading))
            added.append((entry, context, reading))
            sums.attempt(facts[reading.sha256])
            sums.station(facts[reading.sha256])
    images = {reading.image["sha256"]: reading.image for _id, reading in new if reading.image}
    insert_new(session, Image, [images[key] for key in sorted(images)])
    insert_plain(session, SealedLine, ("attempt_id", "line"), [(i, r.line) for i, r in new])
    measured = [(i, *row) for i, r in new for row in r.measurements]
    insert_plain(session, Measurement, ("attempt_id", *MEASURED), measured)
    consents = [(i, *r.consent) for i, r in new if r.consent]
    insert_plain(session, RecordedConsent, ("attempt_id", *CONSENT), consents)
    insert_plain(session, Course, ("attempt_id", *COURSE), [(i, *r.course) for i, r in new])
    sums.put_down(session)
    count_rails(session, added)


def _facts(
    session: Session, readings: Sequence[tuple[Entry, Row, Reading]], units: Sequence[int | None]
) -> dict[str, Fact]:
    """How each attempt that is not in the store yet is counted, by the hash of its line."""
    hashes = [reading.sha256 for _entry, _context, reading in readings]
    known = set(session.scalars(select(Attempt.sha256).where(Attempt.sha256.in_(hashes))))
    numbers = {unit for unit in units if unit is not None}
    cards, earlier = cards_of(session, numbers), Earlier(session)
    earlier.units(numbers)
    facts: dict[str, Fact] = {}
    for (entry, context, reading), unit in zip(readings, units, strict=True):
        if reading.sha256 in known or reading.sha256 in facts:
            continue
        more = {"at": entry.at, "bench": entry.bench, "unit_id": unit}
        told = reading.attempt | {name: context.get(name) for name in _CONTEXT} | more
        fact = fact_of(told, json.loads(reading.course[0]), cards.get(-1 if unit is None else unit, {}))
        earlier.place(fact)
        facts[reading.sha256] = fact
    return facts
