"""Tells another program of each attempt: a POST per attempt, in order, until it is answered with 2xx.

How far it has come is kept in the data folder. After a crash the newest attempt may be told again; its number in
`Idempotency-Key` says so.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import select

from bmsrescue.card.storage import write_atomically
from bmsrescue.errors import HostError
from bmsrescue.fleet import ledger
from bmsrescue.fleet.models import Attempt, LedgerEntry, Unit
from bmsrescue.fleet.store import Store

FILE_NAME = "webhook.json"
_AT_ONCE = 50
_TIMEOUT_S = 10.0
_SENTENCES = ("outcome", "cause", "sentence", "next_step", "station", "operator", "label", "job", "image_version")


class Webhook:
    """`url` is told what the site's own ledger holds, from the time on at which it was first named."""

    def __init__(self, store: Store, site: str, url: str, folder: Path, client: httpx.Client | None = None) -> None:
        self._store = store
        self._site = site
        self._url = url
        self._path = folder / FILE_NAME
        self._client = client or httpx.Client(timeout=_TIMEOUT_S)
        self.problem = ""

    def catch_up(self) -> int:
        """Tell what has not been told; returns how many attempts were. A refusal waits in `problem`."""
        told = 0
        try:
            number = self._position()
            while news := self._news(number):
                for number, attempt in news:
                    if attempt is not None:
                        self._post(number, attempt)
                        told += 1
                    self._remember(number)
            self.problem = ""
        except (httpx.HTTPError, HostError) as error:
            self.problem = str(error)
        return told

    def close(self) -> None:
        self._client.close()

    def _post(self, number: int, attempt: dict[str, Any]) -> None:
        key = {"Idempotency-Key": f"{self._site}-{number}"}
        self._client.post(self._url, json=attempt, headers=key).raise_for_status()

    def _position(self) -> int:
        try:
            document = json.loads(self._path.read_text(encoding="utf-8"))
            if document["url"] == self._url and document["bench"] == self._site:
                return int(document["number"])
        except (OSError, ValueError, KeyError, TypeError):
            pass  # none yet, or for somebody else: begin now
        with self._store.read() as session:
            number, _hash = ledger.position(session, self._site)
        self._remember(number)
        return number

    def _remember(self, number: int) -> None:
        document = {"url": self._url, "bench": self._site, "number": number}
        write_atomically(self._path, json.dumps(document).encode(), private=True)

    def _news(self, after: int) -> list[tuple[int, dict[str, Any] | None]]:
        """The next entries; None for those that are no attempts."""
        wanted = (
            select(LedgerEntry)
            .where(LedgerEntry.bench == self._site, LedgerEntry.number > after)
            .order_by(LedgerEntry.number)
            .limit(_AT_ONCE)
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
