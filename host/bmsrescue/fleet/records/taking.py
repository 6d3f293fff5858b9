"""Lines into a site's store: new ones, known ones, and those that cannot be taken as they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bmsrescue.fleet import ledger
from bmsrescue.fleet.ledger import News
from bmsrescue.fleet.models import Attempt, Booking, QuarantinedLine
from bmsrescue.fleet.records.fields import plain_text
from bmsrescue.fleet.records.projecting import add_attempts
from bmsrescue.fleet.records.projection import project
from bmsrescue.fleet.records.reading import LineError, Reading, read_line
from bmsrescue.keys.records import Signatures
from rescuelink.seal import line_hash

BENCH, IMPORT = "bench", "import"
MAX_BREAKS = 1000
"""Named one by one; of what is set aside beyond them the number is told."""


@dataclass
class Taken:
    """What became of lines. `breaks`: (line number, what is wrong).

    `anew`: new ones whose helper has made another record of that number before: its numbers began anew, or somebody
    made records in its name. `unsigned`: set aside because the helper that they name has not signed them. `unnamed`:
    breaks that are not in the list, which is full.
    """

    lines: int = 0
    new: int = 0
    known: int = 0
    quarantined: int = 0
    anew: int = 0
    unsigned: int = 0
    breaks: list[tuple[int, str]] = field(default_factory=list)
    unnamed: int = 0

    def broken(self, number: int, why: str) -> None:
        """Name a break, while the list is not full."""
        if len(self.breaks) < MAX_BREAKS:
            self.breaks.append((number, why))
        else:
            self.unnamed += 1


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    reading: Reading
    follows: bool


class LineTaker:
    """Takes the lines of one file, in their order, in as many pieces as the caller likes; each in its transaction."""

    def __init__(self, source: str, time_source: str, signatures: Signatures | None = None) -> None:
        self.taken = Taken()
        self.signatures = signatures or Signatures()
        self._source = source
        self._time_source = time_source
        self._expected = ""  # hash of the line before
        self._first = True
        self._bookings: set[int] = set()  # that a line has taken along

    def take(self, session: Session, site: str, lines: Sequence[str]) -> None:
        """The next lines of the file."""
        readable: list[_Line] = []
        refused: list[tuple[int, str, str]] = []
        for text in lines:
            self.taken.lines += 1
            try:
                reading = read_line(text)
            except LineError as error:
                refused.append((self.taken.lines, text, str(error)))
                self._expected = line_hash(text)
                continue
            readable.append(_Line(self.taken.lines, reading, self._follows(session, reading)))
            self._expected = reading.sha256
        known = _hashes(session, [line.reading for line in readable])
        new: list[_Line] = []
        for line in readable:
            reading = line.reading
            here = known.setdefault((reading.helper_id, reading.sequence), set())
            if reading.sha256 in here:
                self.taken.known += 1
            elif wrong := self.signatures.wrong(reading.helper_id, reading.sha256):
                self.taken.unsigned += 1
                refused.append((line.number, reading.line, f"{reading.helper} {reading.sequence} {wrong}"))
            elif not here or self._time_source == BENCH:
                # What the helper itself says just now is taken, whatever a card has said in its name.
                if here:
                    why = f"{reading.helper} has made a record {reading.sequence} before, which says otherwise"
                    self.taken.broken(line.number, why)
                    self.taken.anew += 1
                here.add(reading.sha256)
                new.append(line)
            else:
                why = f"{reading.helper} {reading.sequence} is here already and says otherwise"
                refused.append((line.number, reading.line, why))
        self._add(session, site, new)
        self._quarantine(session, site, refused)

    def _follows(self, session: Session, reading: Reading) -> bool:
        if self._first:
            # A file may go on from what an earlier card, another helper on this card, or this helper's flash held.
            self._first = False
            follows = _may_begin(session, reading)
        else:
            follows = reading.previous == self._expected
        if not follows:
            self.taken.broken(self.taken.lines, "does not follow the line before")
        return follows

    def _add(self, session: Session, site: str, new: Sequence[_Line]) -> None:
        news = [News(ledger.ATTEMPT, self._context(session, line), line.reading.line) for line in new]
        entries = ledger.append(session, site, news)
        read = [(entry, item.content, line.reading) for entry, item, line in zip(entries, news, new, strict=True)]
        add_attempts(session, read)
        self.taken.new += len(new)

    def _quarantine(self, session: Session, site: str, refused: Sequence[tuple[int, str, str]]) -> None:
        if not refused:
            return
        hashes = {line_hash(text): (number, text, why) for number, text, why in refused}
        here = set(session.scalars(select(QuarantinedLine.sha256).where(QuarantinedLine.sha256.in_(hashes))))
        news = [
            News(
                ledger.QUARANTINE,
                {
                    "sha256": sha256,
                    "source": self._source,
                    "line_number": number,
                    "why": why,
                },
                plain_text(text),
            )
            for sha256, (number, text, why) in hashes.items()
            if sha256 not in here
        ]
        project(session, ledger.append(session, site, news))
        for number, _text, why in refused:
            self.taken.broken(number, why)
        self.taken.breaks.sort()
        self.taken.quarantined += len(refused)

    def _context(self, session: Session, line: _Line) -> dict[str, Any]:
        reading = line.reading
        context: dict[str, Any] = {
            "helper": reading.helper,
            "sequence": reading.sequence,
            "sha256": reading.sha256,
            "time_source": self._time_source,
            "follows": line.follows,
        }
        signature = self.signatures.of(reading.helper_id, reading.sha256)
        if signature is not None:
            context |= {"signed": True, "signature": signature}
        if self._time_source == BENCH:
            context |= self._booked(session, reading)
        return context

    def _booked(self, session: Session, reading: Reading) -> dict[str, Any]:
        """What was asked of the helper before this record, unless a record between them took it along."""
        booking = _booking(session, reading)
        if booking is None or booking.id in self._bookings:
            return {}
        self._bookings.add(booking.id)
        return {
            "station": booking.station,
            "operator": booking.operator,
            "label": booking.label,
            "release_id": booking.release_id,
        }


def _hashes(session: Session, readings: Sequence[Reading]) -> dict[tuple[str, int], set[str]]:
    """The hashes of the records that are in the store already, by helper and number."""
    by_helper: dict[str, list[int]] = {}
    for reading in readings:
        by_helper.setdefault(reading.helper_id, []).append(reading.sequence)
    found: dict[tuple[str, int], set[str]] = {}
    for helper, sequences in by_helper.items():
        rows = session.execute(
            select(Attempt.sequence, Attempt.sha256).where(Attempt.helper_id == helper, Attempt.sequence.in_(sequences))
        )
        for sequence, sha256 in rows:
            found.setdefault((helper, sequence), set()).add(sha256)
    return found


def _may_begin(session: Session, reading: Reading) -> bool:
    """Whether a file may begin with this record: what it follows is here, or the record before it is not."""
    if reading.previous and session.scalar(select(Attempt.id).where(Attempt.sha256 == reading.previous)):
        return True
    before = select(Attempt.id).where(Attempt.helper_id == reading.helper_id, Attempt.sequence == reading.sequence - 1)
    return session.scalar(before.limit(1)) is None


def _booking(session: Session, reading: Reading) -> Booking | None:
    """The helper's newest, if no record that came after it has taken it along."""
    booking = session.scalar(
        select(Booking).where(Booking.helper_id == reading.helper_id).order_by(Booking.id.desc()).limit(1)
    )
    if booking is None or reading.sequence <= booking.after_sequence:
        return None
    taken = session.scalar(
        select(Attempt.id)
        .where(
            Attempt.helper_id == reading.helper_id,
            Attempt.sequence > booking.after_sequence,
            Attempt.id > booking.after_attempt,
            Attempt.time_source == BENCH,
        )
        .limit(1)
    )
    return booking if taken is None else None
