"""A unit beside good ones: where its rails and its time to switch on lie in what good units of its kind have shown.

Learned from records: of the newest good attempts with the same board model (where nobody named it, the same chip and
job) the lowest, the middle and the highest value. A value outside all of them is a finding with a name; it is shown
beside the diagnosis and decides nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from bmsrescue.fleet.models import Attempt, Course, Measurement, Unit, UnitCard
from bmsrescue.fleet.power_up import PowerUp, power_up_of
from bmsrescue.fleet.records.which_count import GOOD
from rescuelink.outcomes import NO_FAULT_FOUND

FEWEST = 20
"""Good units; of fewer nothing is concluded."""
MOST = 300
_RISE = "energise"
_PHASES = ("on", "proof")


@dataclass(frozen=True)
class Band:
    """One value of this unit and those of `count` good units. `phase`: "on", "proof", or "" for the time (ms).

    `uncertainty`: of the value, in its unit; what is outside by less is no finding.
    """

    rail: str
    phase: str
    value: int
    uncertainty: int
    low: int
    middle: float
    high: int
    count: int

    @property
    def odd(self) -> str:
        """ "low", "high", or "" where the value lies among those of good units."""
        if self.value + self.uncertainty < self.low:
            return "low"
        return "high" if self.value - self.uncertainty > self.high else ""


@dataclass(frozen=True)
class Golden:
    """`count`: good units that it rests on; `like`: what they have in common with this one. No bands below FEWEST.

    `power_up`: how each rail rises, of those good units that nothing was wrong with.
    """

    count: int
    like: str
    bands: list[Band]
    power_up: list[PowerUp] = field(default_factory=list)

    @property
    def odd(self) -> list[Band]:
        return [band for band in self.bands if band.odd]


def golden_of(session: Session, attempt: Attempt) -> Golden:
    """The bands for an attempt; itself is none of the good ones."""
    like, same = _same_kind(session, attempt)
    good = [Attempt.outcome.in_(GOOD), Attempt.taken_out.is_(False), Attempt.id != attempt.id]
    rows = session.execute(
        select(Attempt.id, Attempt.outcome, Attempt.unit_id).where(*same, *good).order_by(Attempt.id.desc()).limit(MOST)
    ).all()
    # One attempt of each unit: a unit that came often is not several.
    newest: dict[int, str] = {}
    seen: set[int] = set()
    for number, outcome, unit in rows:
        if unit is not None and unit not in seen and unit != attempt.unit_id:
            seen.add(unit)
            newest[number] = outcome
    if len(newest) < FEWEST:
        return Golden(len(newest), like, [])
    # Before a cure a unit's rails are those of a unit that was broken.
    never_broken = {number for number, outcome in newest.items() if outcome == NO_FAULT_FOUND}
    values: dict[tuple[str, str], list[int]] = {}
    mine: dict[tuple[str, str], tuple[int, int]] = {}
    wanted = select(Measurement).where(
        Measurement.attempt_id.in_([*newest, attempt.id]), Measurement.phase.in_(_PHASES)
    )
    for one in session.scalars(wanted):
        key = (one.rail, one.phase)
        if one.attempt_id == attempt.id:
            mine[key] = (one.mv, one.uncertainty)
        elif one.phase == "proof" or one.attempt_id in never_broken:
            values.setdefault(key, []).append(one.mv)
    for number, steps in session.execute(
        select(Course.attempt_id, Course.steps).where(Course.attempt_id.in_([*never_broken, attempt.id]))
    ):
        times = [ms for name, ms, _outcome in steps if name == _RISE and ms is not None]
        if times and number == attempt.id:
            mine[(_RISE, "")] = (times[0], 0)
        elif times:
            values.setdefault((_RISE, ""), []).append(times[0])
    bands = [
        Band(rail, phase, *mine[rail, phase], min(of_it), median(of_it), max(of_it), len(of_it))
        for (rail, phase), of_it in sorted(values.items())
        if len(of_it) >= FEWEST and (rail, phase) in mine
    ]
    rising = power_up_of(session, attempt.id, [number for number in newest if number in never_broken], FEWEST)
    return Golden(len(newest), like, bands, rising)


def _same_kind(session: Session, attempt: Attempt) -> tuple[str, list[ColumnElement[bool]]]:
    card = session.get(UnitCard, -1 if attempt.unit_id is None else attempt.unit_id)
    if card is not None and card.model:
        of_model = select(UnitCard.unit_id).where(UnitCard.model == card.model)
        return f"board model {card.model}", [Attempt.unit_id.in_(of_model)]
    chip = session.scalar(select(Unit.chip).where(Unit.id == attempt.unit_id))
    of_chip = select(Unit.id).where(Unit.chip.is_(None) if chip is None else Unit.chip == chip)
    same = [Attempt.unit_id.in_(of_chip), Attempt.job.is_(None) if attempt.job is None else Attempt.job == attempt.job]
    return f"chip {chip or 'unknown'} and job {attempt.job or 'none'}", same
