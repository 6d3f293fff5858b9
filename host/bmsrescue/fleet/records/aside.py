"""Lines that were set aside: no sealed records, or at odds with one that is here. Counted and shown, never lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bmsrescue.fleet.models import QuarantinedLine

SHOWN = 100
_BEGINNING = 300


@dataclass(frozen=True)
class Aside:
    """One of them. `beginning`: of its text; `length` of all of it, in characters."""

    sha256: str
    source: str
    line_number: int
    why: str
    seen_at: datetime
    beginning: str
    length: int


def count(session: Session) -> int:
    """How many there are."""
    return session.scalar(select(func.count()).select_from(QuarantinedLine)) or 0


def newest(session: Session, skipped: int = 0, down: bool = True) -> Sequence[Aside]:
    """The newest, or else the oldest, at most SHOWN, after so many."""
    at, line = QuarantinedLine.seen_at, QuarantinedLine.line_number
    rows = session.execute(
        select(
            QuarantinedLine.sha256,
            QuarantinedLine.source,
            QuarantinedLine.line_number,
            QuarantinedLine.why,
            QuarantinedLine.seen_at,
            func.substr(QuarantinedLine.text, 1, _BEGINNING),
            func.length(QuarantinedLine.text),
        )
        .order_by(*((at.desc(), line.desc()) if down else (at, line)), QuarantinedLine.sha256)
        .offset(skipped)
        .limit(SHOWN)
    )
    return [Aside(*row) for row in rows]


def text_of(session: Session, sha256: str) -> str | None:
    """The whole line."""
    return session.scalar(select(QuarantinedLine.text).where(QuarantinedLine.sha256 == sha256))
