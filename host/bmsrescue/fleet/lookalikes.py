"""What cured units that looked like this one: ranked by counts from the records, shown and never done by itself."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session, aliased

from bmsrescue.fleet.figures import Share, wilson
from bmsrescue.fleet.models import Attempt, UnitNote
from bmsrescue.fleet.records.which_count import GOOD, NOT_COUNTED

MOST = 500
"""Attempts that looked alike, the newest."""
_SHOWN = 8
_SAID = ("note", "disposition", "test")


@dataclass(frozen=True)
class Step:
    """Something that was advised or said, and how many of the units that came again after it ended well then."""

    kind: str  # "advised" by the diagnosis, "said" by a person
    text: str
    cured: Share


@dataclass(frozen=True)
class Lookalikes:
    """`alike`: attempts with the same cause that did not end well, `again`: of these, those whose unit came again."""

    alike: int
    again: Share
    steps: list[Step]


def lookalikes_of(session: Session, attempt: Attempt) -> Lookalikes:
    """Of an attempt that did not end well, other units' attempts with the same cause, and what came after them."""
    alike = session.execute(
        select(Attempt.id, Attempt.unit_id, Attempt.at, Attempt.next_step)
        .where(Attempt.cause == attempt.cause, Attempt.outcome.not_in((*GOOD, *NOT_COUNTED)))
        .where(Attempt.taken_out.is_(False), Attempt.unit_id.is_not(None), Attempt.unit_id != attempt.unit_id)
        .order_by(Attempt.id.desc())
        .limit(MOST)
    ).all()
    after = aliased(Attempt)
    following = (
        select(Attempt.id, func.min(after.id))
        .join(after, and_(after.unit_id == Attempt.unit_id, after.id > Attempt.id))
        .where(Attempt.id.in_([row.id for row in alike]))
        .where(after.taken_out.is_(False), after.outcome.not_in(NOT_COUNTED))
        .group_by(Attempt.id)
    )
    nexts: dict[int, int] = {row[0]: row[1] for row in session.execute(following)}
    ends = {
        row.id: (row.outcome in GOOD, row.at)
        for row in session.execute(
            select(Attempt.id, Attempt.outcome, Attempt.at).where(Attempt.id.in_(nexts.values()))
        )
    }
    notes: dict[int, list[UnitNote]] = {}
    for note in session.scalars(
        select(UnitNote).where(UnitNote.unit_id.in_({row.unit_id for row in alike}), UnitNote.kind.in_(_SAID))
    ):
        notes.setdefault(note.unit_id, []).append(note)
    tried: Counter[tuple[str, str]] = Counter()
    cured: Counter[tuple[str, str]] = Counter()
    well = again = 0
    for row in alike:
        if row.id not in nexts:
            continue
        good, at = ends[nexts[row.id]]
        again, well = again + 1, well + good
        said = {("advised", row.next_step)} if row.next_step else set()
        said |= {("said", " ".join(one.text.split())) for one in notes.get(row.unit_id, []) if row.at <= one.at <= at}
        for step in said:
            if step[1]:
                tried[step] += 1
                cured[step] += good
    steps = [Step(*step, wilson(cured[step], count)) for step, count in tried.items()]
    steps.sort(key=lambda step: (-step.cured.low, -step.cured.total, step.text))
    return Lookalikes(len(alike), wilson(well, again), steps[:_SHOWN])
