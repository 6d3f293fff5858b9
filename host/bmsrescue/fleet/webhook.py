"""Tells another program of each attempt: a signed POST per attempt, in order, until it is answered with 2xx.

An attempt that is refused while others are taken waits and is told again later; it stops no other. How far it has come
is kept in the data folder. After a crash the newest attempt may be told again; its number in `Idempotency-Key` says so.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from threading import RLock
from typing import Any

import httpx
from sqlalchemy import ColumnElement, select

from bmsrescue.card.storage import write_atomically
from bmsrescue.errors import HostError
from bmsrescue.fleet import ledger
from bmsrescue.fleet.models import Attempt, LedgerEntry, Unit
from bmsrescue.fleet.signature import kept_secret, read_secret, signed
from bmsrescue.fleet.store import Store

FILE_NAME = "webhook.json"
_AT_ONCE = 50
_TIMEOUT_S = 10.0
_SENTENCES = ("outcome", "cause", "sentence", "next_step", "station", "operator", "label", "job", "image_version")
_DOWN = 3  # refusals one after the other: the program is down, it is not these attempts
_MOST_WAITING = 1000
_AGAIN_S = 600.0  # between two tries of attempts that were refused while others were taken
MOST_SHOWN = 100


@dataclass(frozen=True)
class Refusal:
    """How an attempt was refused: the status of the newest answer, since when, and how often. 0, None: not known."""

    status: int = 0
    since: datetime | None = None
    times: int = 0


@dataclass(frozen=True)
class Refused:
    """An attempt, the entry `number` of the ledger, that the program refuses while it takes others."""

    number: int
    refusal: Refusal
    attempt: dict[str, Any]


@dataclass
class _Place:
    """All attempts up to entry `number` are told but those of the entries `waiting`, which were refused."""

    number: int
    waiting: list[int]
    refusals: dict[int, Refusal] = field(default_factory=dict)

    def refuse(self, number: int, status: int) -> None:
        before = self.refusals.get(number, Refusal())
        self.refusals[number] = Refusal(status, before.since or ledger.now(), before.times + 1)


class Webhook:
    """`url` is told what the site's own ledger holds, from the time on at which it was first named.

    `secret`: as Standard Webhooks writes it; empty: the one in the data folder. Raises HostError.
    """

    def __init__(
        self, store: Store, site: str, url: str, folder: Path, client: httpx.Client | None = None, secret: str = ""
    ) -> None:
        self._store = store
        self._site = site
        self._url = url
        self._path = folder / FILE_NAME
        self._key = read_secret(secret) if secret else kept_secret(folder)
        self._client = client or httpx.Client(timeout=_TIMEOUT_S)
        self._again_at = 0.0
        self._count = 0  # told in this turn
        self._lock = RLock()  # of what is remembered: an engineer may leave an attempt out meanwhile
        self._left_out: set[int] = set()
        self.problem = ""
        self.refused = 0
        """Attempts that it does not take while it takes others."""
        self.told_at: datetime | None = None
        """When it took an attempt, since the daemon was started."""

    def catch_up(self) -> int:
        """Tell what has not been told; returns how many attempts were. A refusal waits in `problem`."""
        self._count = 0
        try:
            place = self._place()
            self.refused = len(place.waiting)
            if place.waiting and time.monotonic() >= self._again_at:
                self._tell_waiting(place)
            self._tell_new(place)
            self._count_refused(place)
        except httpx.HTTPStatusError as error:
            self.problem = f"it answers with {_answer(error)}"
        except httpx.HTTPError as error:
            self.problem = f"it cannot be reached: {type(error).__name__}"
        except HostError as error:
            self.problem = str(error)
        return self._count

    def refusals(self) -> list[Refused]:
        """Attempts that wait because they were refused, the oldest first, `MOST_SHOWN` at most."""
        place = self._place()
        waiting = sorted(place.waiting)[:MOST_SHOWN]
        told = dict(self._told(LedgerEntry.number.in_(waiting), MOST_SHOWN)) if waiting else {}
        return [
            Refused(number, place.refusals.get(number, Refusal()), attempt)
            for number in waiting
            if (attempt := told.get(number)) is not None
        ]

    def tell_again(self) -> None:
        """What was refused is told in the next turn, not ten minutes after the one before."""
        self._again_at = 0.0

    def leave_out(self, number: int) -> dict[str, Any]:
        """Never tell an attempt that was refused; returns what it was. Raises HostError where it does not wait."""
        with self._lock:
            place = self._place()
            if number not in place.waiting or number in self._left_out:
                raise HostError("this attempt does not wait to be told", "Look at Health again.")
            self._left_out.add(number)
            self._remember(place)
        self._count_refused(place)
        return self._attempt(number)

    def waiting(self) -> int:
        """Entries of the ledger that are not looked at yet, and attempts that were refused."""
        place = self._place()
        with self._store.read() as session:
            newest, _hash = ledger.position(session, self._site)
        return max(0, newest - place.number) + len(place.waiting)

    @property
    def where(self) -> str:
        """Whom it calls, without what may be secret in the address."""
        return httpx.URL(self._url).host

    def close(self) -> None:
        self._client.close()

    def _count_refused(self, place: _Place) -> None:
        self.refused = len(set(place.waiting) - self._left_out)
        are = "attempt is" if self.refused == 1 else "attempts are"
        self.problem = f"{self.refused} {are} refused" if self.refused else ""

    def _tell_waiting(self, place: _Place) -> None:
        """Those that were refused, the oldest first."""
        refused = 0
        for number in [one for one in place.waiting if one not in self._left_out]:
            try:
                self._post(number, self._attempt(number))
            except httpx.HTTPStatusError as refusal:
                place.refuse(number, refusal.response.status_code)
                self._remember(place)
                refused += 1
                if refused == _DOWN and not self._count:
                    raise
                continue
            place.waiting.remove(number)
            place.refusals.pop(number, None)
            self._remember(place)
        self._again_at = time.monotonic() + _AGAIN_S

    def _tell_new(self, place: _Place) -> None:
        at = place.number
        refused: list[int] = []  # since it took one
        error: httpx.HTTPStatusError | None = None
        while news := self._news(at):
            for at, attempt in news:
                if attempt is not None:
                    try:
                        self._post(at, attempt)
                    except httpx.HTTPStatusError as refusal:
                        error = refusal
                        refused.append(at)
                        place.refuse(at, refusal.response.status_code)
                        if len(refused) >= _DOWN or len(place.waiting) + len(refused) > _MOST_WAITING:
                            raise
                        continue
                    if refused:
                        # It takes this one: what it refused before is at fault itself, and waits.
                        place.waiting += refused
                        refused, self._again_at = [], time.monotonic() + _AGAIN_S
                if not refused:
                    place.number = at
                    self._remember(place)
        if refused and error is not None:
            raise error

    def _post(self, number: int, attempt: dict[str, Any]) -> None:
        key = f"{self._site}-{number}"
        body = json.dumps(attempt).encode()
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        headers |= signed(self._key, key, int(time.time()), body)
        self._client.post(self._url, content=body, headers=headers).raise_for_status()
        self._count += 1
        self.told_at = ledger.now()

    def _place(self) -> _Place:
        try:
            document = json.loads(self._path.read_text(encoding="utf-8"))
            if document["url"] == self._url and document["bench"] == self._site:
                refusals = {
                    int(number): Refusal(int(status), datetime.fromisoformat(since), int(times))
                    for number, (status, since, times) in document.get("refusals", {}).items()
                }
                return _Place(int(document["number"]), [int(one) for one in document.get("waiting", [])], refusals)
        except (OSError, ValueError, KeyError, TypeError):
            pass  # none yet, or for somebody else: begin now
        with self._store.read() as session:
            number, _hash = ledger.position(session, self._site)
        place = _Place(number, [])
        self._remember(place)
        return place

    def _remember(self, place: _Place) -> None:
        with self._lock:
            waiting = [one for one in place.waiting if one not in self._left_out]
            why = {one: place.refusals[one] for one in waiting if one in place.refusals}
            document = {"url": self._url, "bench": self._site, "number": place.number, "waiting": waiting}
            document["refusals"] = {
                str(one): (how.status, how.since.isoformat(), how.times) for one, how in why.items() if how.since
            }
            write_atomically(self._path, json.dumps(document).encode(), private=True)

    def _news(self, after: int) -> list[tuple[int, dict[str, Any] | None]]:
        """The next entries; None for those that are no attempts."""
        return self._told(LedgerEntry.number > after, _AT_ONCE)

    def _attempt(self, number: int) -> dict[str, Any]:
        told = dict(self._told(LedgerEntry.number == number, 1)).get(number)
        if told is None:
            raise HostError(f"entry {number} of the ledger is no attempt", f"Take it out of {self._path}.")
        return told

    def _told(self, which: ColumnElement[bool], most: int) -> list[tuple[int, dict[str, Any] | None]]:
        wanted = (
            select(LedgerEntry).where(LedgerEntry.bench == self._site, which).order_by(LedgerEntry.number).limit(most)
        )
        found: list[tuple[int, dict[str, Any] | None]] = []
        with self._store.read() as session:
            for entry in session.scalars(wanted):
                if entry.kind != ledger.ATTEMPT:
                    found.append((entry.number, None))
                    continue
                named = json.loads(entry.body)
                row = session.execute(
                    select(Attempt, Unit.uid)
                    .join(Unit, Unit.id == Attempt.unit_id, isouter=True)
                    .where(Attempt.sha256 == named["sha256"])
                ).one()
                attempt, uid = row
                told = {name: getattr(attempt, name) for name in _SENTENCES}
                told |= {"helper": attempt.helper, "helper_id": attempt.helper_id}
                told |= {"sequence": attempt.sequence, "uid": uid}
                found.append((entry.number, told | {"at": attempt.at.isoformat(), "sha256": named["sha256"]}))
        return found


def _answer(error: httpx.HTTPStatusError) -> str:
    """Without the address, in which there may be secrets."""
    return f"{error.response.status_code} {error.response.reason_phrase}".strip()
