"""What people say of a unit: whose it is, notes, photos, the protection test, what became of it. Nothing is taken back.

Each saying is an entry of the ledger, so that the shared store has it, too; a unit is named there by its chip's
identity, and by a label only where the chip has never answered: numbers of units differ from store to store.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bmsrescue.errors import HostError
from bmsrescue.fleet import ledger
from bmsrescue.fleet.accounts import OPERATOR, Person
from bmsrescue.fleet.decisions import decide
from bmsrescue.fleet.ledger import News
from bmsrescue.fleet.models import Unit, UnitCard, UnitLabel, UnitNote
from bmsrescue.fleet.models.base import NAME_LENGTH, TEXT_LENGTH
from bmsrescue.fleet.protection_test import ProtectionValue, summary
from bmsrescue.fleet.records.fields import clean
from bmsrescue.fleet.records.life import FIELDS
from bmsrescue.fleet.store import Store

DISPOSITIONS = ("released", "scrapped", "returned", "waiting for part")
RELEASED = "released"
_PHOTO = re.compile(r"https?://[^\s\"'<>]{3,380}\Z")
_SHOWN = 200


class UnitError(HostError):
    """It cannot be said of this unit."""


@dataclass(frozen=True)
class Life:
    """What is known of a unit besides its attempts. `notes`: the newest first. `tested`: the newest test's verdict."""

    card: UnitCard | None
    notes: Sequence[UnitNote]
    tested: str


class UnitLives:
    """`site`: the ledger in which it is put down."""

    def __init__(self, store: Store, site: str) -> None:
        self._store = store
        self._site = site

    def set_card(self, unit: int, values: dict[str, str], by: Person) -> None:
        """RMA number, customer, lot, board model; "" takes one away. Raises AccessError, UnitError."""
        wrong = values.keys() - FIELDS.keys()
        if wrong:
            raise UnitError(f"{sorted(wrong)[0][:40]} is nothing a unit has", f"Use {', '.join(FIELDS)}.")
        said = {name: clean(value.strip(), NAME_LENGTH) for name, value in values.items()}
        text = ", ".join(f"{FIELDS[name]}: {value or 'none'}" for name, value in said.items())
        self._say(unit, "card", text, said, by)

    def dispose(self, unit: int, disposition: str, why: str, by: Person) -> None:
        """What becomes of it. "released" takes a protection test that was passed. Raises AccessError, UnitError."""
        if disposition not in DISPOSITIONS:
            raise UnitError(f"{disposition[:40]!r} is no disposition", f"Use one of {', '.join(DISPOSITIONS)}.")
        if disposition == RELEASED:
            with self._store.read() as session:
                tested = life_of(session, unit).tested
            if tested != "pass":
                state = "has failed its protection test" if tested else "has no protection test"
                raise UnitError(f"the unit {state}: it is not released", "Enter a test that it has passed first.")
        self._say(unit, "disposition", why, {"disposition": disposition}, by)

    def note(self, unit: int, text: str, by: Person) -> None:
        """Raises AccessError, UnitError."""
        self._say(unit, "note", text, {}, by)

    def photo(self, unit: int, url: str, text: str, by: Person) -> None:
        """A photo by its address; it is linked, not loaded. Raises AccessError, UnitError."""
        if not _PHOTO.match(url.strip()):
            raise UnitError("this is no address of a photo", "Begin with https:// or http://.")
        self._say(unit, "photo", text, {"url": url.strip()}, by)

    def test(self, unit: int, values: list[ProtectionValue], text: str, by: Person) -> None:
        """The maker's protection test, as it was measured. Raises AccessError, UnitError."""
        if not values:
            raise UnitError("a protection test without a value", "Enter at least one line: name, value, unit, limits.")
        passed, told = summary(values)
        details = {"values": [value.told() for value in values], "verdict": "pass" if passed else "fail"}
        self._say(unit, "test", f"{told}. {text}".strip(), details, by)

    def label(self, unit: int, label: str, by: Person) -> None:
        """A label that is stuck on later. What attempts have on record stays. Raises AccessError, UnitError."""
        said = label.strip()
        if not said.isprintable() or not 0 < len(said) <= NAME_LENGTH:
            raise UnitError("a label has 1 to 64 printable characters", "Scan the unit's label.")
        with self._store.read() as session:
            other = session.scalar(
                select(UnitLabel.unit_id).where(UnitLabel.label == said, UnitLabel.unit_id != unit).limit(1)
            )
        if other is not None:
            raise UnitError(f"{said} is another unit's label", f"See /units/{other}.")
        self._say(unit, "label", said, {"label": said}, by)

    def _say(self, unit: int, kind: str, text: str, details: dict[str, Any], by: Person) -> None:
        by.require(OPERATOR)
        said = clean(text.strip(), TEXT_LENGTH) or ""
        if not said and kind == "note":
            raise UnitError("a note without words", "Write something.")
        with self._store.write() as session:
            found = session.get(Unit, unit)
            if found is None:
                raise UnitError(f"there is no unit {unit}", "Search for it by its label.")
            labels = session.scalars(select(UnitLabel.label).where(UnitLabel.unit_id == unit).order_by(UnitLabel.id))
            newest = next(iter(list(labels)[-1:]), None)
            if found.uid is None and newest is None:
                raise UnitError("this unit has neither a chip's identity nor a label", "Scan a label for it first.")
            content = {"uid": found.uid, "label": newest, "kind": kind, "text": said, "actor": by.name}
            news = [News(ledger.UNIT_NOTE, content | {"details": details})]
            subject = newest or found.uid or ""
            decide(session, self._site, by.name, f"unit: {kind}", subject, news, text=said, **_plain(details))


def life_of(session: Session, unit: int) -> Life:
    """All of it, at most 200 notes."""
    notes = session.scalars(
        select(UnitNote).where(UnitNote.unit_id == unit).order_by(UnitNote.at.desc(), UnitNote.number.desc())
    ).all()[:_SHOWN]
    test = next((one for one in notes if one.kind == "test"), None)
    tested = "" if test is None else str(test.details.get("verdict"))
    return Life(session.get(UnitCard, unit), notes, tested)


def test_after(session: Session, unit: int | None, at: datetime) -> UnitNote | None:
    """The newest protection test of a unit that came after a moment."""
    wanted = select(UnitNote).where(UnitNote.unit_id == unit, UnitNote.kind == "test", UnitNote.at >= at)
    return None if unit is None else session.scalar(wanted.order_by(UnitNote.at.desc()).limit(1))


def _plain(details: dict[str, Any]) -> dict[str, Any]:
    """For the audit log, which has words and numbers only."""
    return {name: value for name, value in details.items() if isinstance(value, str) and name != "text"}
