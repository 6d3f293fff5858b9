"""Finding units and attempts, and taking them out again: what the page, the API and the exports read."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, and_, func, or_, select, union
from sqlalchemy.orm import Session

from bmsrescue.fleet.models import Attempt, Measurement, SealedLine, Unit, UnitCard, UnitLabel, UnitNote

MAX_FOUND = 100
_PIECE = 1000

COLUMNS = (
    "helper",
    "helper_id",
    "sequence",
    "sha256",
    "at",
    "time_source",
    "label",
    "uid",
    "station",
    "operator",
    "outcome",
    "cause",
    "confidence",
    "sentence",
    "next_step",
    "job",
    "image_version",
    "firmware",
    "image_sha256",
    "backup_sha256",
    "duration_ms",
    "power_cycles",
    "resumed",
    "follows",
    "signed",
    "taken_out",
)
"""Of an export, in this order."""


@dataclass(frozen=True)
class FoundUnit:
    """A unit as a list shows it, with its newest attempt's outcome and what people said of it."""

    id: int
    uid: str | None
    labels: list[str]
    chip: str | None
    first_seen: datetime
    outcome: str | None = None
    taken_out: bool = False
    rma: str | None = None
    customer: str | None = None
    lot: str | None = None
    disposition: str | None = None


@dataclass(frozen=True)
class AttemptView:
    """An attempt with the record it came from; `record` is what the helper wrote, whole."""

    attempt: Attempt
    uid: str | None
    measurements: list[Measurement]
    record: dict[str, Any]
    line: str


def units_in_order(
    session: Session, column: str, down: bool, after: str = "", after_id: int = 0
) -> tuple[list[FoundUnit], tuple[str, int] | None]:
    """All units by "uid" or "label", at most MAX_FOUND: those after the one with that value and number.

    With them the value and number after which there are more. A unit without one is in no such order; one with two
    labels is there by each.
    """
    value = Unit.uid if column == "uid" else UnitLabel.label
    of = UnitLabel.unit_id if column == "label" else Unit.id
    wanted = select(value, of).where(value.is_not(None))
    if after:
        beyond = value < after if down else value > after
        wanted = wanted.where(or_(beyond, and_(value == after, of > after_id)))
    rows = session.execute(wanted.order_by(value.desc() if down else value, of).limit(MAX_FOUND)).all()
    numbers = dict.fromkeys(row[1] for row in rows)
    found = {one.id: one for one in _told(session, session.scalars(select(Unit).where(Unit.id.in_(numbers))).all())}
    return [found[number] for number in numbers], (rows[-1][0] or "", rows[-1][1]) if len(rows) == MAX_FOUND else None


def find_units(session: Session, text: str, before: int = 0, down: bool = True) -> list[FoundUnit]:
    """Units of which something that is known contains `text`, newest first, at most MAX_FOUND; those after `before`.

    Not `down`: the oldest first.

    Labels, the chip's identity, and what people said: RMA number, customer, lot, board model, disposition, notes. Those
    of which `text` is the whole label, identity or RMA number come alone.
    """
    wanted = select(Unit).order_by(Unit.id.desc() if down else Unit.id).limit(MAX_FOUND)
    if before:
        wanted = wanted.where(Unit.id < before if down else Unit.id > before)
    exactly = _called(session, text) if text else []
    if exactly:
        wanted = wanted.where(Unit.id.in_(exactly))
    elif text:
        columns = (UnitCard.rma, UnitCard.customer, UnitCard.lot, UnitCard.model, UnitCard.disposition)
        kinds = UnitNote.kind.in_(("note", "photo", "disposition", "test"))
        places = (
            (Unit.id, Unit.uid.contains(text.upper(), autoescape=True)),
            (UnitLabel.unit_id, UnitLabel.label.contains(text, autoescape=True)),
            (UnitNote.unit_id, and_(kinds, UnitNote.text.icontains(text, autoescape=True))),
            (UnitCard.unit_id, or_(*(one.icontains(text, autoescape=True) for one in columns))),
        )
        # Of each place by itself, so that an index of it serves; more than a page of one is not needed.
        parts = []
        for number, holds in places:
            beyond = [number < before if down else number > before] if before else []
            part = select(number.label("id")).where(holds, *beyond).distinct()
            parts.append(select(part.order_by(number.desc() if down else number).limit(MAX_FOUND).subquery().c.id))
        wanted = wanted.where(Unit.id.in_(union(*parts)))
    return _told(session, session.scalars(wanted).all())


def _told(session: Session, units: Sequence[Unit]) -> list[FoundUnit]:
    labels: dict[int, list[str]] = {unit.id: [] for unit in units}
    of_these = select(UnitLabel.unit_id, UnitLabel.label).where(UnitLabel.unit_id.in_(labels)).order_by(UnitLabel.id)
    for unit_id, label in session.execute(of_these):
        labels[unit_id].append(label)
    newest = select(func.max(Attempt.id)).where(Attempt.unit_id.in_(labels)).group_by(Attempt.unit_id)
    ended = {
        row.unit_id: (row.outcome, row.taken_out)
        for row in session.execute(
            select(Attempt.unit_id, Attempt.outcome, Attempt.taken_out).where(Attempt.id.in_(newest))
        )
    }
    cards = {card.unit_id: card for card in session.scalars(select(UnitCard).where(UnitCard.unit_id.in_(labels)))}
    said = {
        number: (card.rma, card.customer, card.lot, card.disposition) if (card := cards.get(number)) else ()
        for number in labels
    }
    return [
        FoundUnit(
            *(unit.id, unit.uid, labels[unit.id], unit.chip, unit.first_seen),
            *ended.get(unit.id, (None, False)),
            *said[unit.id],
        )
        for unit in units
    ]


def _called(session: Session, text: str) -> list[int]:
    """Units of which this is the whole label, chip's identity or RMA number: what a scanner reads. By indexes only."""
    whole = (
        select(UnitLabel.unit_id).where(UnitLabel.label == text),
        select(Unit.id).where(Unit.uid == text.upper()),
        select(UnitCard.unit_id).where(UnitCard.rma == text),
    )
    return sorted({number for one in whole for number in session.scalars(one.limit(MAX_FOUND))})


def unit_with(session: Session, number: int) -> tuple[FoundUnit, list[Attempt]] | None:
    """A unit and its attempts, newest first."""
    unit = session.get(Unit, number)
    if unit is None:
        return None
    labels = session.scalars(select(UnitLabel.label).where(UnitLabel.unit_id == number).order_by(UnitLabel.id)).all()
    attempts = session.scalars(
        select(Attempt).where(Attempt.unit_id == number).order_by(Attempt.id.desc()).limit(MAX_FOUND)
    ).all()
    return FoundUnit(unit.id, unit.uid, list(labels), unit.chip, unit.first_seen), list(attempts)


def attempts_called(session: Session, helper: str, sequence: int) -> list[Attempt]:
    """All that go by this helper (its name, or its number) and this sequence number: mostly one. At most MAX_FOUND."""
    named = or_(Attempt.helper == helper, Attempt.helper_id == helper)
    wanted = select(Attempt).where(named, Attempt.sequence == sequence).order_by(Attempt.id).limit(MAX_FOUND)
    return list(session.scalars(wanted))


def attempt_of(session: Session, sha256: str) -> AttemptView | None:
    """The attempt whose record has this hash, with all that is known of it."""
    row = session.execute(
        select(Attempt, Unit.uid, SealedLine.line)
        .join(SealedLine, SealedLine.attempt_id == Attempt.id)
        .join(Unit, Unit.id == Attempt.unit_id, isouter=True)
        .where(Attempt.sha256 == sha256)
    ).first()
    if row is None:
        return None
    attempt, uid, line = row
    measured = session.scalars(select(Measurement).where(Measurement.attempt_id == attempt.id)).all()
    return AttemptView(attempt, uid, list(measured), json.loads(line), line)


def newest_attempts(session: Session, count: int, station: str | None = None) -> list[Attempt]:
    """The newest first."""
    wanted = select(Attempt).order_by(Attempt.id.desc()).limit(min(count, MAX_FOUND))
    return list(session.scalars(wanted if station is None else wanted.where(Attempt.station == station)))


def all_pieces(session: Session, since: datetime | None = None) -> Iterator[Sequence[Row[Any]]]:
    """Every attempt as a row with the names of COLUMNS, oldest first, in pieces that fit any memory."""
    wanted = (
        select(Attempt.id, *(Unit.uid if name == "uid" else getattr(Attempt, name) for name in COLUMNS))
        .join(Unit, Unit.id == Attempt.unit_id, isouter=True)
        .order_by(Attempt.id)
        .limit(_PIECE)
    )
    if since is not None:
        wanted = wanted.where(Attempt.at >= since)
    after = 0
    while piece := session.execute(wanted.where(Attempt.id > after)).all():
        yield piece
        after = piece[-1].id
