"""What waits to go out of a bench or to come in, how much of it, and whether it moves: for the wall, and /metrics."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bmsrescue.fleet import ledger
from bmsrescue.fleet.fleet import Fleet
from bmsrescue.fleet.kept_backups import missing_backups

_SYNCED = Path("/run/systemd/timesync/synchronized")
_BUILT = datetime(2026, 1, 1, tzinfo=UTC)
NAMES = ("shared store", "webhook", "backups")
FAULTS = (
    "this machine's clock is years behind: set it, every record gets its time from it",
    "this machine's clock has not been set by a time server since it was switched on",
)


@dataclass(frozen=True)
class Queue:
    """`length` None: nobody knows just now. `problem`: why it does not move; empty where it does."""

    name: str
    what: str
    length: int | None
    problem: str


def queues_of(fleet: Fleet) -> list[Queue]:
    """Those that the bench has."""
    found = []
    if fleet.link is not None:
        problem = fleet.link.problem.message if fleet.link.problem is not None else ""
        found.append(Queue("shared store", "entries that it lacks", fleet.link.waiting(), problem))
    if fleet.webhook is not None:
        what = f"entries and attempts that {fleet.webhook.where} has not been told"
        found.append(Queue("webhook", what, fleet.webhook.waiting(), fleet.webhook.problem))
    if fleet.only_looks:
        return found
    with fleet.store.read() as session:
        missing = missing_backups(session, fleet.site_id)
    found.append(Queue("backups", "backups that are still on their helpers' cards", missing, ""))
    return found


def time_fault(clock_file: Path = _SYNCED, services: Path = Path("/run/systemd/timesync")) -> str:
    """Why the machine's time is not to be trusted; empty where nothing speaks against it.

    systemd-timesyncd makes its file when it has set the clock (systemd-timesyncd.service(8)); without that service
    only a clock that is plainly wrong is found.
    """
    if ledger.now() < _BUILT:
        return FAULTS[0]
    if services.is_dir() and not clock_file.exists():
        return FAULTS[1]
    return ""
