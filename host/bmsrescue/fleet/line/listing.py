"""The attempts behind a figure, a page at a time, in the order that somebody asked for."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bmsrescue.fleet.line.clock import Clock
from bmsrescue.fleet.line.filters import Filters
from bmsrescue.fleet.models import Attempt

PAGE = 50
MOST_COUNTED = 10_000
SORTS = {
    "at": Attempt.at,
    "label": Attempt.label,
    "outcome": Attempt.outcome,
    "cause": Attempt.cause,
    "firmware": Attempt.firmware,
    "station": Attempt.station,
    "operator": Attempt.operator,
    "duration": Attempt.duration_ms,
}


@dataclass(frozen=True)
class Listing:
    """`total` is counted up to `MOST_COUNTED`; where there are more, the newest so many are put in another order."""

    attempts: list[Attempt]
    total: int
    page: int

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // PAGE))


def listing(
    session: Session, filters: Filters, clock: Clock, sort: str = "at", down: bool = True, page: int = 0
) -> Listing:
    """`sort`: one of SORTS; where they are alike the newest come first."""
    wanted = filters.where(clock)
    total = session.scalar(
        select(func.count()).select_from(select(Attempt.id).where(*wanted).limit(MOST_COUNTED).subquery())
    )
    column = SORTS[sort]
    order = column.desc() if down else column.asc()
    if total == MOST_COUNTED and sort != "at":
        wanted = [
            Attempt.id.in_(
                select(Attempt.id).where(*wanted).order_by(Attempt.at.desc(), Attempt.id.desc()).limit(MOST_COUNTED)
            )
        ]
    rows = session.scalars(
        select(Attempt).where(*wanted).order_by(order, Attempt.id.desc()).limit(PAGE).offset(page * PAGE)
    )
    return Listing(list(rows), total or 0, page)
