"""What a site has learned or decided, numbered from 1 and chained by hash; never changed, only added to.

Every other table follows from the ledger (`projection`): that is how a site's work gets into the shared store exactly
once and in order, and how it is noticed when a ledger was changed or two sites go by one name.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from bmsrescue.fleet.models import LedgerEntry, Site
from bmsrescue.fleet.upsert import insert_plain, plain_times

ATTEMPT = "attempt"
AUDIT = "audit"
CONSENT = "consent"
CONSENT_END = "consent-end"
BACKUP = "backup"
STATION = "station"
OPERATOR = "operator"
TOKEN = "token"
RELEASE = "release"
HEAD = "head"
QUARANTINE = "quarantine"
IMPORT = "import"
TAKEN_OUT = "taken-out"
UNIT_NOTE = "unit-note"
_BODY = json.JSONEncoder(separators=(",", ":"), sort_keys=True)


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as it travels. `line`: of an attempt or of what was set aside; the body only names it by its hash."""

    bench: str
    number: int
    at: datetime
    kind: str
    body: str
    hash: str
    line: str | None = None

    @property
    def content(self) -> dict[str, Any]:
        """The body as a document."""
        document: dict[str, Any] = json.loads(self.body)
        return document


@dataclass(frozen=True, slots=True)
class News:
    """What is to be added: an entry without its place."""

    kind: str
    content: dict[str, Any]
    line: str | None = None


def own_site(session: Session, name: str = "bench") -> str:
    """The identity of the site whose store this is; made when there is none yet. Needs a write session."""
    found = session.scalar(select(Site.id).where(Site.own))
    if found is None and session.get_bind().dialect.name == "postgresql":
        # Of several that find none at the same time, one makes it.
        session.execute(text("LOCK TABLE benches IN SHARE ROW EXCLUSIVE MODE"))
        found = session.scalar(select(Site.id).where(Site.own))
    if found is not None:
        return found
    made = Site(id=uuid.uuid4().hex, name=name, own=True, first_seen=now())
    session.add(made)
    session.flush()
    return made.id


def now() -> datetime:
    return datetime.now(UTC)


def midnight(day: date) -> datetime:
    """The beginning of a day, in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def append(session: Session, site: str, news: Iterable[News]) -> list[Entry]:
    """Add entries to the site's own ledger, in the transaction that makes what they say true."""
    # On PostgreSQL several may add to one ledger; the site's row is their turnstile.
    session.execute(select(Site.id).where(Site.id == site).with_for_update())
    number, previous = position(session, site)
    at = now()
    entries = []
    for item in news:
        number += 1
        body = _BODY.encode(item.content)
        previous = entry_hash(previous, site, number, at, item.kind, body)
        entries.append(Entry(site, number, at, item.kind, body, previous, item.line))
    write_down(session, entries)
    return entries


def position(session: Session, site: str) -> tuple[int, str]:
    """The number and the hash of a site's newest entry in this store; 0 and "" before the first."""
    newest = session.execute(
        select(LedgerEntry.number, LedgerEntry.hash)
        .where(LedgerEntry.bench == site)
        .order_by(LedgerEntry.number.desc())
        .limit(1)
    ).first()
    return (0, "") if newest is None else (newest.number, newest.hash)


def write_down(session: Session, entries: list[Entry]) -> None:
    """Put entries into the table as they are."""
    times = plain_times(session, (entry.at for entry in entries))
    rows = [(e.bench, e.number, times[e.at], e.kind, e.body, e.hash) for e in entries]
    insert_plain(session, LedgerEntry, ("bench", "number", "at", "kind", "body", "hash"), rows)


def entry_hash(previous: str, site: str, number: int, at: datetime, kind: str, body: str) -> str:
    """What the next entry is chained to."""
    text = "\n".join((previous, site, str(number), at.astimezone(UTC).isoformat(), kind, body))
    return hashlib.sha256(text.encode()).hexdigest()


def line_hash_of(kind: str, body: str) -> str | None:
    """The hash of the line that an entry names, where it names one."""
    return str(json.loads(body)["sha256"]) if kind in (ATTEMPT, QUARANTINE) else None
