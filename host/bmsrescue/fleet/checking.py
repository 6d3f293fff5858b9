"""Does what a store says follow from lines that helpers have signed? Whoever can write to it could have changed it.

An attempt is good where its row is what its line says, where a bench's ledger has brought it, and where its helper has
signed the line: by the key that is known here, on this computer, and not by what the store says. A helper that got its
key later has signed its earlier records with the first that names the one before.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from bmsrescue.fleet import ledger
from bmsrescue.fleet.decisions import decide
from bmsrescue.fleet.models import Attempt, Course, DayCount, LedgerEntry, Measurement, SealedLine, Unit
from bmsrescue.fleet.records.counting import count_rails_again
from bmsrescue.fleet.records.reading import MEASURED, LineError, Reading, read_line
from bmsrescue.fleet.records.rollups import count_anew
from bmsrescue.fleet.store import Store
from bmsrescue.keys.records import is_signed

NAMED = 1000
"""Of what is wrong, one by one; of the rest the number is told."""
_AT_ONCE = 500
# What the line itself says, whichever version of the program has read it.
_SAID = ("helper", "helper_id", "sequence", "outcome", "unit_outcome", "cause", "job", "image_sha256", "duration_ms")
_CONTEXT = ("station", "operator", "label", "release_id", "time_source", "follows")
_RAILS = MEASURED[:5]
Body = Mapping[str, Any]


@dataclass(frozen=True)
class Wrong:
    """An attempt that does not verify."""

    sha256: str
    helper: str
    sequence: int
    why: str


@dataclass
class Checked:
    """`signed`: by their helper's key, which is known here; `unknown`: of helpers of which no key is. `wrong`: the
    first NAMED of `wrong_count`. `lost`: records that a ledger has and the store has not. `ledgers`: what is wrong with
    a bench's. `counts_differ`: the counts that pages read are not those of the attempts. `changed`: how many attempts
    were marked, or are good again.
    """

    attempts: int = 0
    signed: int = 0
    unknown: int = 0
    wrong_count: int = 0
    lost: int = 0
    changed: int = 0
    counts_differ: bool = False
    wrong: list[Wrong] = field(default_factory=list)
    ledgers: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        return not (self.wrong_count or self.lost or self.ledgers or self.counts_differ)


@dataclass(frozen=True)
class _Row:
    """An attempt with all that stands in a store of it."""

    attempt: Attempt
    line: str | None
    uid: str | None
    steps: Any
    rails: Sequence[tuple[Any, ...]]


def check_store(store: Store, keys: Mapping[str, bytes], signed_only: bool = False, mark: bool = True) -> Checked:
    """Look at every attempt; those that are not good are marked, and count no more until a check finds them good.

    keys: the public keys of helpers, by helper_id. signed_only: attempts of other helpers are not good either.
    mark: False: nothing is changed. Raises StoreError.
    """
    check = _Check(keys, signed_only)
    with store.read() as session:
        if store.engine.dialect.name == "postgresql":  # one state of it, whatever benches bring meanwhile
            session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        check.out = _counted_out(session)
        for bench in session.scalars(select(LedgerEntry.bench).distinct().order_by(LedgerEntry.bench)).all():
            check.ledger_of(session, bench)
        check.strays(session)
        check.vouch()
        check.compare_counts(session)
    if mark:
        with store.write() as session:
            check.mark(session)
            if check.told.changed or check.told.counts_differ:
                count_anew(session)
    return check.told


def wrong_with(session: Session, attempt: Attempt, keys: Mapping[str, bytes]) -> tuple[str, bool]:
    """Of one attempt that is looked at: why it is not good, "" where it is; and whether its helper has signed it."""
    entries = session.scalars(
        select(LedgerEntry.body).where(
            LedgerEntry.bench == attempt.bench, LedgerEntry.at == attempt.at, LedgerEntry.kind == ledger.ATTEMPT
        )
    )
    body = next((one for one in map(json.loads, entries) if one["sha256"] == attempt.sha256), None)
    (row,) = _rows(session, [attempt])
    why, reading = _against_line(row, body)
    key = keys.get(attempt.helper_id)
    if why or key is None or body is None or reading is None:
        return why, False
    if _is_signed(key, attempt.sha256, body):
        return "", True
    return ("it is not signed by its helper" if attempt.signed is not None else ""), False


class _Check:
    def __init__(self, keys: Mapping[str, bytes], signed_only: bool) -> None:
        self.told = Checked()
        self.out: set[str] = set()
        self._keys = keys
        self._signed_only = signed_only
        self._seen = bytearray()  # a bit for each attempt's number
        self._bad: dict[int, Wrong] = {}
        self._hidden: set[int] = set()  # taken out of the counts by nobody: they count again
        self._unsigned: dict[str, tuple[int, Wrong, str]] = {}  # of helpers with a key: by hash; the hash before
        self._first: dict[
            str, tuple[int, str]
        ] = {}  # of each helper's first signed record: its number, the hash before
        self._counts: Counter[tuple[Any, ...]] = Counter()
        self._marked: set[int] = set()

    def ledger_of(self, session: Session, bench: str) -> None:
        """Every entry of a bench, and the attempts that they have brought."""
        previous, after = "", 0
        while entries := session.scalars(
            select(LedgerEntry)
            .where(LedgerEntry.bench == bench, LedgerEntry.number > after)
            .order_by(LedgerEntry.number)
            .limit(_AT_ONCE)
        ).all():
            bodies: dict[str, tuple[LedgerEntry, Body]] = {}
            for entry in entries:
                hashed = ledger.entry_hash(previous, bench, entry.number, entry.at, entry.kind, entry.body)
                if (entry.number, entry.hash) != (after + 1, hashed):
                    self.told.ledgers.append(f"the ledger of bench {bench[:8]} was changed at entry {entry.number}")
                    # The rest is looked at as it stands: what was changed is said once.
                previous, after = entry.hash, entry.number
                if entry.kind == ledger.ATTEMPT:
                    body = json.loads(entry.body)
                    bodies.setdefault(str(body["sha256"]), (entry, body))
            self._brought(session, bench, bodies)
            session.expunge_all()
        del self.told.ledgers[NAMED:]

    def _brought(self, session: Session, bench: str, bodies: Mapping[str, tuple[LedgerEntry, Body]]) -> None:
        attempts = session.scalars(select(Attempt).where(Attempt.sha256.in_(bodies))).all()
        self.told.lost += len(bodies) - len(attempts)
        for row in _rows(session, [one for one in attempts if one.bench == bench]):
            entry, body = bodies[row.attempt.sha256]
            self._look(row, body if entry.at == row.attempt.at else None)

    def strays(self, session: Session) -> None:
        """Attempts that no ledger has brought."""
        after = 0
        while numbers := session.scalars(
            select(Attempt.id).where(Attempt.id > after).order_by(Attempt.id).limit(20 * _AT_ONCE)
        ).all():
            after = numbers[-1]
            unseen = [number for number in numbers if not self._is_seen(number)]
            for begin in range(0, len(unseen), _AT_ONCE):
                piece = unseen[begin : begin + _AT_ONCE]
                for row in _rows(session, session.scalars(select(Attempt).where(Attempt.id.in_(piece))).all()):
                    self._look(row, None)
                session.expunge_all()

    def _look(self, row: _Row, body: Body | None) -> None:
        attempt = row.attempt
        self._see(attempt.id)
        self.told.attempts += 1
        why, reading = _against_line(row, body)
        was_marked = attempt.signed is False
        if not why and not was_marked and attempt.taken_out and not self._is_out(attempt):
            why = "nobody has taken its unit out, as its row says"
            self._hidden.add(attempt.id)
        key = self._keys.get(attempt.helper_id)
        if not why and key is None:
            self.told.unknown += 1
            why = "no key of its helper is known here" if self._signed_only else ""
        elif not why and reading is not None and body is not None and key is not None:
            if _is_signed(key, attempt.sha256, body):
                self.told.signed += 1
                first = self._first.get(attempt.helper_id)
                if first is None or attempt.sequence < first[0]:
                    self._first[attempt.helper_id] = (attempt.sequence, reading.previous)
            else:
                why = "it is not signed by its helper"
                wrong = Wrong(attempt.sha256, attempt.helper, attempt.sequence, why)
                self._unsigned[attempt.sha256] = (attempt.id, wrong, reading.previous)
        if was_marked:
            self._marked.add(attempt.id)
        if why:
            self._bad[attempt.id] = Wrong(attempt.sha256, attempt.helper, attempt.sequence, why)
        if not attempt.taken_out:
            self._counts[_counted_as(attempt)] += 1

    def vouch(self) -> None:
        """Take the records of before a helper had its key: the first one that it signed names the one before."""
        for _sequence, before in self._first.values():
            while before in self._unsigned:
                number, _wrong, before = self._unsigned.pop(before)
                del self._bad[number]
                self.told.signed += 1
        self.told.wrong_count = len(self._bad)
        self.told.wrong = list(self._bad.values())[:NAMED]

    def mark(self, session: Session) -> None:
        """What is not good counts no more, and what was marked and is good counts again."""
        changes = (
            (True, sorted(self._bad.keys() - self._marked - self._hidden)),
            (False, sorted((self._marked - self._bad.keys()) | self._hidden)),
        )
        for bad, numbers in changes:
            for number in numbers:
                self._change(session, number, bad)
            self.told.changed += len(numbers)
            if numbers:
                site = ledger.own_site(session, "shared")
                action = "do not verify" if bad else "verify again"
                decide(session, site, "records check", action, f"{len(numbers)} records", [], first=numbers[:20])

    def _change(self, session: Session, number: int, bad: bool) -> None:
        attempt = session.get_one(Attempt, number)
        known = True if attempt.helper_id in self._keys else None
        marks = {"taken_out": bad or self._is_out(attempt), "signed": False if bad else known}
        session.execute(update(Attempt).where(Attempt.id == number).values(marks))
        count_rails_again(session, attempt)

    def compare_counts(self, session: Session) -> None:
        """Whether the counts that pages read are those of the attempts."""
        rows = session.execute(
            select(
                DayCount.day, DayCount.outcome, DayCount.cause, DayCount.firmware, func.sum(DayCount.count)
            ).group_by(DayCount.day, DayCount.outcome, DayCount.cause, DayCount.firmware)
        )
        there = Counter({tuple(row[:4]): int(row[4]) for row in rows if row[4]})
        self.told.counts_differ = there != Counter({key: count for key, count in self._counts.items() if count})

    def _is_out(self, attempt: Attempt) -> bool:
        return attempt.sha256 in self.out or f"{attempt.helper} {attempt.sequence}" in self.out

    def _see(self, number: int) -> None:
        if number // 8 >= len(self._seen):
            self._seen.extend(bytes(number // 8 + 4096 - len(self._seen)))
        self._seen[number // 8] |= 1 << number % 8

    def _is_seen(self, number: int) -> bool:
        return number // 8 < len(self._seen) and bool(self._seen[number // 8] >> number % 8 & 1)


def _counted_as(attempt: Attempt) -> tuple[Any, ...]:
    return (attempt.at.astimezone(UTC).date(), attempt.outcome, attempt.cause, attempt.firmware or "")


def _counted_out(session: Session) -> set[str]:
    """Whose units people or stations have taken out in work: hashes, or "HELPER NUMBER" in entries from before that."""
    bodies = session.scalars(select(LedgerEntry.body).where(LedgerEntry.kind == ledger.TAKEN_OUT))
    return {body.get("sha256") or f"{body['helper']} {body['sequence']}" for body in map(json.loads, bodies)}


def _rows(session: Session, attempts: Sequence[Attempt]) -> Iterator[_Row]:
    numbers = [one.id for one in attempts]
    lines = dict(
        session.execute(select(SealedLine.attempt_id, SealedLine.line).where(SealedLine.attempt_id.in_(numbers))).all()
    )
    steps = dict(session.execute(select(Course.attempt_id, Course.steps).where(Course.attempt_id.in_(numbers))).all())
    of_units = {one.unit_id for one in attempts if one.unit_id is not None}
    uids = dict(session.execute(select(Unit.id, Unit.uid).where(Unit.id.in_(of_units))).all())
    rails: dict[int, list[tuple[Any, ...]]] = {}
    columns = [getattr(Measurement, name) for name in _RAILS]
    for number, *values in session.execute(
        select(Measurement.attempt_id, *columns).where(Measurement.attempt_id.in_(numbers))
    ):
        rails.setdefault(number, []).append(tuple(values))
    for one in attempts:
        uid = None if one.unit_id is None else uids.get(one.unit_id)
        yield _Row(one, lines.get(one.id), uid, steps.get(one.id), rails.get(one.id, ()))


def _against_line(row: _Row, body: Body | None) -> tuple[str, Reading | None]:
    """Why the row is not what the line and the ledger say, "" where it is; and the line, where it can be read."""
    attempt = row.attempt
    if row.line is None:
        return "its line is gone", None
    try:
        reading = read_line(row.line)
    except LineError as error:
        return f"its line is no record: {error}", None
    if reading.sha256 != attempt.sha256:
        return "its line is another record's", reading
    for name in _SAID:
        if getattr(attempt, name) != reading.attempt[name]:
            return f"its {name} is not what the line says", reading
    if reading.uid is not None and row.uid is not None and row.uid != reading.uid:
        return "its unit is not the one that the line names", reading
    if sorted(map(str, row.rails)) != sorted(str(one[: len(_RAILS)]) for one in reading.measurements):
        return "its rails are not what the line says", reading
    if row.steps != json.loads(reading.course[0]):
        return "its steps are not what the line says", reading
    if body is None:
        return "no bench has brought it", reading
    for name in _CONTEXT:
        if getattr(attempt, name) != body.get(name):
            return f"its {name} is not what its bench said", reading
    return "", reading


def _is_signed(key: bytes, sha256: str, body: Body) -> bool:
    signature = body.get("signature")
    if not isinstance(signature, str):
        return False
    try:
        return is_signed(key, bytes.fromhex(sha256), bytes.fromhex(signature))
    except ValueError:
        return False
