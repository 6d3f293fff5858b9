"""The benches of a store: when each was last heard of, what it did in the last day, which stations it has."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bmsrescue.fleet import ledger
from bmsrescue.fleet.figures import Share, wilson
from bmsrescue.fleet.models import Attempt, LedgerEntry, Site, Station
from bmsrescue.fleet.records.which_count import GOOD, NOT_COUNTED

SILENT = timedelta(hours=24)


@dataclass(frozen=True)
class Bench:
    """`heard`: its newest entry. `out`: stations that are out of service, each with why."""

    id: str
    name: str
    heard: datetime | None
    silent: bool
    day: Share
    out: list[tuple[str, str]]


def benches_of(session: Session) -> list[Bench]:
    """Those that were silent longest last; a store's own site, which decides only, is none."""
    now = ledger.now()
    # The newest entry by the ledger's key: one look for each bench, however long its ledger is.
    newest = (
        select(LedgerEntry.at)
        .where(LedgerEntry.bench == Site.id)
        .order_by(LedgerEntry.number.desc())
        .limit(1)
        .correlate(Site)
        .scalar_subquery()
    )
    sites = session.execute(select(Site.id, Site.name, newest).where(Site.name != "shared")).all()
    counts = {
        row[0]: wilson(row[1], row[2])
        for row in session.execute(
            select(Attempt.bench, func.count().filter(Attempt.outcome.in_(GOOD)), func.count())
            .where(Attempt.at >= now - SILENT, Attempt.taken_out.is_(False), Attempt.outcome.not_in(NOT_COUNTED))
            .group_by(Attempt.bench)
        )
    }
    out: dict[str, list[tuple[str, str]]] = {}
    for row in session.execute(
        select(Station.bench, Station.name, Station.out_of_service).where(Station.out_of_service.is_not(None))
    ):
        out.setdefault(row[0], []).append((row[1], row[2] or ""))
    found = [
        Bench(
            site, name, heard, heard is None or now - heard > SILENT, counts.get(site, wilson(0, 0)), out.get(site, [])
        )
        for site, name, heard in sites
    ]
    return sorted(found, key=lambda one: (one.heard is None, -(one.heard.timestamp() if one.heard else 0), one.name))


def names_of(session: Session) -> dict[str, str]:
    """What each bench is called, by its identity."""
    return {row.id: row.name for row in session.execute(select(Site.id, Site.name))}
