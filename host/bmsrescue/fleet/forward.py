"""A site's ledger onto the store that several sites share, and what is decided there back to the site.

Each entry is put down in the shared store together with what follows from it, in one transaction, under its site and
number: it is there once or not at all, and the shared store itself says how far it has come. So nothing depends on what
either side remembers of the transfer, and a site that was away for a week goes on at the next entry.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bmsrescue.errors import HostError
from bmsrescue.fleet import ledger
from bmsrescue.fleet.ledger import Entry
from bmsrescue.fleet.models import Attempt, LedgerEntry, QuarantinedLine, SealedLine, Site
from bmsrescue.fleet.records.projection import project
from bmsrescue.fleet.store import Store
from bmsrescue.fleet.upsert import insert_new

_ENTRIES_AT_ONCE = 200
_SHARED_NAME = "shared"


class LedgerConflictError(HostError):
    """Two ledgers go by one site's identity."""


@dataclass(frozen=True)
class Forwarded:
    """What one turn did: entries sent and fetched, and whether there is more to do."""

    sent: int
    fetched: int
    more: bool


class Forwarder:
    """Between a site's own store and the shared one."""

    def __init__(self, own: Store, shared: Store, site: str, name: str = "bench") -> None:
        self._own = own
        self._shared = shared
        self._site = site
        self._name = name
        self._shared_site = ""

    def turn(self) -> Forwarded:
        """One piece in each direction.

        Raises:
            StoreError: the shared store is away; nothing is lost, try again later.
            LedgerConflictError: another site has forwarded under this one's identity.
        """
        sent = _carry(self._own, self._shared, self._site, self._name)
        if not self._shared_site:
            with self._shared.write() as session:
                self._shared_site = ledger.own_site(session, _SHARED_NAME)
        fetched = _carry(self._shared, self._own, self._shared_site, _SHARED_NAME)
        return Forwarded(sent, fetched, more=_ENTRIES_AT_ONCE in (sent, fetched))

    def waiting(self) -> int:
        """How many entries the shared store lacks. Raises StoreError when it is away."""
        with self._shared.read() as session:
            there, _hash = ledger.position(session, self._site)
        return entries_after(self._own, self._site, there)


def entries_after(store: Store, site: str, number: int) -> int:
    """How many entries of a site come after `number`."""
    counted = select(func.count()).where(LedgerEntry.bench == site, LedgerEntry.number > number)
    with store.read() as session:
        return session.scalar(counted) or 0


def _carry(source: Store, target: Store, site: str, name: str) -> int:
    """The next entries of `site` that the target lacks; returns how many."""
    with target.read() as session:
        number, newest = ledger.position(session, site)
    with source.read() as session:
        _require_same(session, site, number, newest)
        entries = _entries(session, site, number)
    if not entries:
        return 0
    _require_chained(entries, newest)
    with target.write() as session:
        row = {"id": site, "name": name, "own": False, "first_seen": ledger.now()}
        insert_new(session, Site, [row])
        # Whoever forwards this site at the same time waits here, and then finds that it was done.
        session.execute(select(Site.id).where(Site.id == site).with_for_update())
        if ledger.position(session, site) != (number, newest):
            return 0
        ledger.write_down(session, entries)
        project(session, entries)
    return len(entries)


def _require_same(session: Session, site: str, number: int, newest: str) -> None:
    if number == 0:
        return
    own = session.scalar(select(LedgerEntry.hash).where(LedgerEntry.bench == site, LedgerEntry.number == number))
    if own != newest:
        raise LedgerConflictError(
            f"the ledger of bench {site[:8]} differs from its copy at entry {number}",
            "Its data folder was copied to another machine, or was set back: give one of them a new folder, and "
            "import its cards there.",
        )


def _require_chained(entries: list[Entry], previous: str) -> None:
    for entry in entries:
        if entry.hash != ledger.entry_hash(previous, entry.bench, entry.number, entry.at, entry.kind, entry.body):
            raise LedgerConflictError(
                f"entry {entry.number} of bench {entry.bench[:8]} was changed after it was written",
                "Keep its data folder as it is and look into the entry; nothing after it is forwarded.",
            )
        previous = entry.hash


def _entries(session: Session, site: str, after: int) -> list[Entry]:
    rows = session.scalars(
        select(LedgerEntry)
        .where(LedgerEntry.bench == site, LedgerEntry.number > after)
        .order_by(LedgerEntry.number)
        .limit(_ENTRIES_AT_ONCE)
    ).all()
    hashes = {row.number: ledger.line_hash_of(row.kind, row.body) for row in rows}
    wanted = [sha256 for sha256 in hashes.values() if sha256]
    lines = {
        row.sha256: row.line
        for row in session.execute(
            select(Attempt.sha256, SealedLine.line)
            .join(SealedLine, SealedLine.attempt_id == Attempt.id)
            .where(Attempt.sha256.in_(wanted))
        )
    }
    aside = select(QuarantinedLine.sha256, QuarantinedLine.text).where(QuarantinedLine.sha256.in_(wanted))
    texts = {row.sha256: row.text for row in session.execute(aside)}
    return [
        Entry(row.bench, row.number, row.at, row.kind, row.body, row.hash, _line(row, hashes[row.number], lines, texts))
        for row in rows
    ]


def _line(row: LedgerEntry, sha256: str | None, lines: dict[str, str], texts: dict[str, str]) -> str | None:
    # The same text can have been set aside once and be a record of another place: each entry has its own.
    return (texts if row.kind == ledger.QUARANTINE else lines).get(sha256 or "")


class SharedLink:
    """The shared store as a site sees it: opened when it can be, and left for later when it cannot."""

    def __init__(self, own: Store, url: str, site: str, name: str) -> None:
        self._own = own
        self._url = url
        self._site = site
        self._name = name
        self._shared: Store | None = None
        self._forwarder: Forwarder | None = None
        self.problem: HostError | None = None

    @property
    def shared(self) -> Store:
        """The shared store. Raises StoreError when it is away."""
        if self._shared is None:
            self._shared = Store.open(self._url)
            self._forwarder = Forwarder(self._own, self._shared, self._site, self._name)
        return self._shared

    def catch_up(self) -> bool:
        """Forward and fetch until both sides are in step; False when that has to wait, for `problem`."""
        try:
            _opened = self.shared
            while self._forwarder is not None and self._forwarder.turn().more:
                pass
        except HostError as error:
            self.problem = error
            return False
        self.problem = None
        return True

    def waiting(self) -> int | None:
        """How many entries the shared store lacks; None while nobody knows."""
        if self._forwarder is None or self.problem is not None:
            return None
        try:
            return self._forwarder.waiting()
        except HostError:
            return None

    def close(self) -> None:
        if self._shared is not None:
            self._shared.close()
