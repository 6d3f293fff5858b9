"""An engineer's consent to what cannot be undone on one unit: given before the act, used up by the next attempt.

It is decided at the site and good there only, so that two sites that are out of touch cannot both use it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from bmsrescue.errors import HostError
from bmsrescue.fleet import ledger
from bmsrescue.fleet.accounts import ENGINEER, Person
from bmsrescue.fleet.decisions import decide
from bmsrescue.fleet.ledger import News
from bmsrescue.fleet.models import Attempt, Booking, ConsentGiven, Unit, UnitLabel
from bmsrescue.fleet.records.taking import BENCH
from bmsrescue.fleet.store import Store

GOOD_FOR = timedelta(days=7)
WORDS = {
    "rdp-regression": "remove read protection level 1: everything is erased, calibration and serial number included, "
    "without a backup",
    "option-bytes": "set the option bytes that the job names",
    "wrp": "lift the write protection of the sectors to be cured, and put it back",
    "newer-firmware": "write the job's firmware over a newer one",
    "older-firmware": "write the job's firmware over an older one that runs",
    "unknown-application": "write the job's firmware over an application that runs and that the job does not know",
    "put-back": "put back what the unit held before, where it does not run the image",
    "update-flag": "clear the flag that keeps the bootloader waiting for an update",
}
"""What a job may leave to people (policy.ask), in words for the page. Besides: "sector:N", of the unit's own data."""

_SECTOR = re.compile(r"sector:(0|[1-9][0-9]{0,2})\Z")
_UID = re.compile(r"[0-9A-F]{24}\Z")
_MAX_WORDS = 16
_MAX_LABEL = 64
_NEWEST = 50


class ConsentError(HostError):
    """It is no consent, or it is used up or withdrawn."""


@dataclass(frozen=True)
class Consent:
    """As the page shows it. `state`: "waiting", "used", "withdrawn" or "run out"."""

    number: int
    at: datetime
    actor: str
    label: str | None
    uid: str | None
    words: list[str]
    why: str
    until: datetime | None
    state: str
    station: str | None
    used_at: datetime | None
    withdrawn_by: str | None
    helper: str | None
    sequence: int | None
    sha256: str | None
    """The attempt that used it, as far as its record has come."""


def said(unit: str) -> str:
    """A unit as a person says it: a label, or the end of a chip's identity."""
    return unit.upper()[-8:] if _UID.match(unit.upper()) else unit


def phrase(words: list[str], unit: str) -> str:
    """What an engineer types to give it: nobody does so by mistake."""
    return f"allow {', '.join(words)} on {said(unit)}"


def is_word(word: str) -> bool:
    """Whether a job can leave this to people."""
    return word in WORDS or _SECTOR.match(word) is not None


class Consents:
    """`site`: the site's own ledger."""

    def __init__(self, store: Store, site: str) -> None:
        self._store = store
        self._site = site

    def give(self, unit: str, words: list[str], typed: str, why: str, by: Person) -> Consent:
        """Consent for `unit`, a chip's identity or a label, to `words`; `typed` has to be the `phrase`.

        Raises:
            AccessError: it takes an engineer.
            ConsentError: it is not one.
        """
        by.require(ENGINEER)
        wanted = list(dict.fromkeys(words))
        wrong = next((word for word in wanted if not is_word(word)), None)
        if wrong is not None or not 0 < len(wanted) <= _MAX_WORDS:
            known = ", ".join((*WORDS, "sector:N"))
            raise ConsentError(f"{wrong or 'nothing'} is no scope of a consent", f"Choose of: {known}.")
        unit = unit.strip()
        if not 0 < len(unit) <= _MAX_LABEL or not unit.isprintable():
            raise ConsentError("a consent is for one unit", "Give its label or its chip's identity.")
        if " ".join(typed.split()) != phrase(wanted, unit):
            raise ConsentError("the typed words differ", f'Type exactly: "{phrase(wanted, unit)}".')
        uid = unit.upper() if _UID.match(unit.upper()) else None
        until = ledger.now() + GOOD_FOR
        content = {
            "actor": by.name,
            "station": None,
            "label": None if uid else unit,
            "uid": uid,
            "scopes": wanted,
            "why": why[:400],
            "until": until.isoformat(),
        }
        with self._store.write() as session:
            news = [News(ledger.CONSENT, content)]
            decide(session, self._site, by.name, "consent given", unit, news, words=wanted, why=why[:400])
            number = session.scalar(select(func.max(ConsentGiven.number)).where(ConsentGiven.bench == self._site))
            given = session.get_one(ConsentGiven, (self._site, number))
            return _told(session, given)

    def withdraw(self, number: int, by: Person) -> None:
        """Take one back that waits. Raises AccessError, ConsentError."""
        by.require(ENGINEER)
        with self._store.write() as session:
            found = session.get(ConsentGiven, (self._site, number))
            if found is None or found.used_at is not None or found.withdrawn_at is not None:
                raise ConsentError(f"there is no consent {number} that waits", "See the unit's page.")
            news = [News(ledger.CONSENT_END, {"number": number, "withdrawn_by": by.name})]
            decide(session, self._site, by.name, "consent withdrawn", found.label or found.uid or "", news)

    def waiting(self, label: str | None) -> Consent | None:
        """The one that the next attempt under this label uses: for the label, or for a chip that was here under it."""
        if label is None:
            return None
        chips = select(Unit.uid).join(UnitLabel, UnitLabel.unit_id == Unit.id).where(UnitLabel.label == label)
        with self._store.read() as session:
            found = session.scalar(
                select(ConsentGiven)
                .where(self._waits(), or_(ConsentGiven.label == label, ConsentGiven.uid.in_(chips)))
                .order_by(ConsentGiven.number)
                .limit(1)
            )
            return None if found is None else _told(session, found)

    def use(self, session: Session, number: int, booking: Booking, by: str) -> bool:
        """Use it up for the attempt that begins now, in the transaction that books it. False: it is gone."""
        found = session.scalar(select(ConsentGiven).where(self._waits(), ConsentGiven.number == number))
        if found is None:
            return False
        content = {
            "number": number,
            "station": booking.station,
            "used_helper": booking.helper,
            "used_helper_id": booking.helper_id,
            "used_after": booking.after_sequence,
        }
        unit = found.label or found.uid or ""
        decide(
            session,
            self._site,
            by,
            "consent used",
            unit,
            [News(ledger.CONSENT_END, content)],
            words=found.scopes,
            given_by=found.actor,
            station=booking.station,
        )
        return True

    def _waits(self) -> ColumnElement[bool]:
        return and_(
            ConsentGiven.bench == self._site,
            ConsentGiven.used_at.is_(None),
            ConsentGiven.withdrawn_at.is_(None),
            ConsentGiven.until > ledger.now(),
        )


def consents_for(session: Session, uid: str | None, labels: list[str]) -> list[Consent]:
    """All that were ever given for a unit, newest first, wherever; at most 50."""
    by_label = ConsentGiven.label.in_(labels)
    mine = by_label if uid is None else or_(ConsentGiven.uid == uid, by_label)
    found = session.scalars(select(ConsentGiven).where(mine).order_by(ConsentGiven.at.desc()).limit(_NEWEST)).all()
    return [_told(session, one) for one in found]


def consent_of(session: Session, attempt: Attempt) -> Consent | None:
    """The one that an attempt took along."""
    found = session.scalar(
        select(ConsentGiven)
        .where(_used_by(attempt.helper, attempt.helper_id), ConsentGiven.used_after < attempt.sequence)
        .where(ConsentGiven.used_at <= attempt.at)
        .order_by(ConsentGiven.used_at.desc())
        .limit(1)
    )
    told = None if found is None else _told(session, found)
    return told if told is not None and told.sha256 == attempt.sha256 else None


def _used_by(helper: str, helper_id: str) -> ColumnElement[bool]:
    # Entries from before helpers had numbers name them by their label.
    by_label = and_(ConsentGiven.used_helper_id.is_(None), ConsentGiven.used_helper == helper)
    return or_(ConsentGiven.used_helper_id == helper_id, by_label)


def _told(session: Session, found: ConsentGiven) -> Consent:
    sequence, sha256 = None, None
    if found.used_helper is not None and found.used_at is not None:
        by = Attempt.helper == found.used_helper
        if found.used_helper_id is not None:
            by = Attempt.helper_id == found.used_helper_id
        first = session.execute(
            select(Attempt.sequence, Attempt.sha256)
            .where(by, Attempt.sequence > found.used_after, Attempt.at >= found.used_at)
            .where(Attempt.time_source == BENCH)
            .order_by(Attempt.id)
            .limit(1)
        ).first()
        sequence, sha256 = first or (None, None)
    return Consent(
        found.number,
        found.at,
        found.actor,
        found.label,
        found.uid,
        found.scopes,
        found.why,
        found.until,
        _state(found),
        found.station,
        found.used_at,
        found.withdrawn_by,
        found.used_helper,
        sequence,
        sha256,
    )


def _state(found: ConsentGiven) -> str:
    if found.used_at is not None:
        return "used"
    if found.withdrawn_at is not None:
        return "withdrawn"
    return "waiting" if found.until is not None and found.until > ledger.now() else "run out"
