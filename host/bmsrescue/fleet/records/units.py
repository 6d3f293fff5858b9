"""Which unit a record is about: its chip's unique ID decides; a label only where the chip did not answer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from bmsrescue.fleet.models import Unit, UnitLabel
from bmsrescue.fleet.records.reading import Reading
from bmsrescue.fleet.records.rollups import roll_over
from bmsrescue.fleet.upsert import insert_new, insert_plain_new_numbered, plain_times


def find_units(session: Session, bench: str, seen: Sequence[tuple[Reading, str | None, datetime]]) -> list[int | None]:
    """For each (reading, label, when) the unit's number, made where it is new; None without UID and label."""
    by_label = _known_labels(session, {label for _reading, label, _at in seen if label})
    _adopt(session, bench, seen, by_label)
    first = {reading.uid: (reading, at) for reading, _label, at in reversed(seen) if reading.uid}
    # In one order everywhere, so that two sites never wait for each other's rows.
    times = plain_times(session, (at for _reading, at in first.values()))
    rows = [(uid, reading.chip, times[at]) for uid, (reading, at) in sorted(first.items())]
    made = insert_plain_new_numbered(session, Unit, ("uid", "chip", "first_seen"), rows, ("uid",))
    by_uid: dict[str | None, int] = {uid: number for (uid,), number in made.items()}
    known = [uid for uid in first if uid not in by_uid]
    if known:
        by_uid |= {row.uid: row.id for row in session.execute(select(Unit.uid, Unit.id).where(Unit.uid.in_(known)))}
    found: list[int | None] = []
    labels: dict[tuple[int, str], datetime] = {}
    for reading, label, at in seen:
        number = by_uid.get(reading.uid) if reading.uid else None
        if number is None and label:
            number = by_label.get(label) or _new_unit(session, reading, at)
        if number is not None and label:
            by_label[label] = number
            labels.setdefault((number, label), at)
        found.append(number)
    insert_new(
        session,
        UnitLabel,
        [{"unit_id": number, "label": label, "first_seen": at} for (number, label), at in sorted(labels.items())],
    )
    return found


def _known_labels(session: Session, labels: set[str]) -> dict[str, int]:
    """The unit that each label was last seen on."""
    if not labels:
        return {}
    newest = (
        select(UnitLabel.label, func.max(UnitLabel.id).label("id"))
        .where(UnitLabel.label.in_(labels))
        .group_by(UnitLabel.label)
        .subquery()
    )
    rows = session.execute(select(UnitLabel.label, UnitLabel.unit_id).join(newest, UnitLabel.id == newest.c.id))
    return {row.label: row.unit_id for row in rows}


def _adopt(
    session: Session, bench: str, seen: Sequence[tuple[Reading, str | None, datetime]], by_label: dict[str, int]
) -> None:
    """A unit that was known by its label alone has answered for the first time: now it has its UID."""
    for reading, label, _at in seen:
        if reading.uid is None or label is None or label not in by_label:
            continue
        if session.scalar(select(Unit.id).where(Unit.uid == reading.uid)) is None:
            nameless = select(Unit.id).where(Unit.id == by_label[label], Unit.uid.is_(None))
            if session.scalar(nameless) is not None:
                roll_over(session, bench, by_label[label], {"chip": reading.chip})
                session.execute(
                    update(Unit).where(Unit.id == by_label[label]).values(uid=reading.uid, chip=reading.chip)
                )


def _new_unit(session: Session, reading: Reading, at: datetime) -> int:
    unit = Unit(uid=None, chip=reading.chip, first_seen=at)
    session.add(unit)
    session.flush()
    return unit.id
