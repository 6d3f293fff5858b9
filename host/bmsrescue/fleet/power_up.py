"""How a unit's rails rise at power-on beside those of good units: the band that these make, and what lies outside.

Learned from records: of the newest attempts at units of the same kind that nothing was wrong with, one of each unit. A
rail that rises later or sooner than in any of them is a finding with a name. It is shown, and decides nothing.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from statistics import median
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bmsrescue.fleet.models import SealedLine
from bmsrescue.fleet.records.fields import listed, number, storable, table

MOST = 100
"""Good units, the newest: their records are read whole."""
_STEP_MV = 10
_MOST_POINTS = 64
_MOST_RAILS = 16
_MOST_MS, _MOST_MV = 600_000, 100_000
_RISEN = 0.9  # of where good ones end
_FLAT_MV = 300  # a rail that good units have below it tells nothing
_GRID = 48
WIDTH, HEIGHT = 480, 100


@dataclass(frozen=True)
class Curve:
    """A rail as it rose: (ms after power-on, mV), ascending in time."""

    points: tuple[tuple[int, int], ...]

    def at(self, ms: float) -> float:
        """In mV, a straight line between two points; before the first from 0 V, after the last as it was then."""
        before = (0, 0)
        for point in self.points:
            if ms <= point[0]:
                span = point[0] - before[0]
                return before[1] + (point[1] - before[1]) * (ms - before[0]) / span if span else point[1]
            before = point
        return before[1]

    def reached(self, level_mv: float) -> tuple[int, int] | None:
        """When it was first seen there, and how far before that it was last looked at; None where it never was."""
        before = 0
        for ms, mv in self.points:
            if mv >= level_mv:
                return ms, ms - before
            before = ms
        return None


@dataclass(frozen=True)
class PowerUp:
    """A rail of this unit and the band of `count` good ones. Times in ms; `rise` None where it did not come up.

    Up is `level_mv`: nine tenths of what the middle one of the good ones came to. `lowest` and `highest`: (ms, mV)
    of all good ones on a grid of times; `end_ms`, `top_mv`: of the picture.
    """

    rail: str
    count: int
    level_mv: int
    rise: int | None
    uncertainty: int
    earliest: int
    latest: int
    mine: tuple[tuple[int, int], ...]
    lowest: tuple[tuple[float, float], ...]
    highest: tuple[tuple[float, float], ...]

    @property
    def odd(self) -> str:
        """ "later", "sooner", "never", or "" where it rises as good ones do."""
        if self.rise is None:
            return "never"
        if self.rise - self.uncertainty > self.latest:
            return "later"
        return "sooner" if self.rise < self.earliest - self.uncertainty else ""

    @property
    def by_ms(self) -> int:
        """How much later than the latest, or sooner than the earliest."""
        if self.rise is None:
            return 0
        return self.rise - self.latest if self.rise > self.latest else self.earliest - self.rise

    @property
    def end_ms(self) -> float:
        return max(self.mine[-1][0], self.lowest[-1][0], 1)

    @property
    def top_mv(self) -> float:
        return max([mv for _ms, mv in (*self.mine, *self.highest)] + [1]) * 1.05

    def path(self, points: Sequence[tuple[float, float]]) -> str:
        """For a picture of WIDTH by HEIGHT."""
        wide, high = WIDTH / self.end_ms, HEIGHT / self.top_mv
        return " ".join(f"{ms * wide:.1f},{HEIGHT - mv * high:.1f}" for ms, mv in points)

    @property
    def band(self) -> str:
        """Around all good ones."""
        return self.path([*self.highest, *reversed(self.lowest)])


def power_up_of(session: Session, attempt: int, good: Sequence[int], fewest: int) -> list[PowerUp]:
    """Of each rail that at least `fewest` of the good attempts have a curve of, too."""
    lines = {
        row.attempt_id: row.line
        for row in session.execute(
            select(SealedLine.attempt_id, SealedLine.line).where(SealedLine.attempt_id.in_([attempt, *good[:MOST]]))
        )
    }
    mine = curves_in(json.loads(lines.pop(attempt, "null")))
    if not mine:
        return []
    others: dict[str, list[Curve]] = {}
    for line in lines.values():
        for rail, curve in curves_in(json.loads(line)).items():
            others.setdefault(rail, []).append(curve)
    found = [_beside(rail, curve, others.get(rail, []), fewest) for rail, curve in mine.items()]
    return [one for one in found if one is not None]


def _beside(rail: str, mine: Curve, beside: Sequence[Curve], fewest: int) -> PowerUp | None:
    level = _RISEN * median([one.points[-1][1] for one in beside] or [0])
    good = [one for one in beside if one.reached(level) is not None]
    if level < _FLAT_MV or len(good) < fewest:
        return None
    rises = [rise for one in good if (rise := one.reached(level)) is not None]
    own = mine.reached(level)
    look = max([width for _ms, width in rises] + ([own[1]] if own else []))
    end = max(mine.points[-1][0], *(one.points[-1][0] for one in good))
    grid = [end * place / _GRID for place in range(_GRID + 1)]
    values = [[one.at(ms) for one in good] for ms in grid]
    return PowerUp(
        rail,
        len(good),
        round(level),
        own[0] if own else None,
        look,
        min(ms for ms, _width in rises),
        max(ms for ms, _width in rises),
        ((0, 0), *mine.points),
        tuple((ms, min(of_it)) for ms, of_it in zip(grid, values, strict=True)),
        tuple((ms, max(of_it)) for ms, of_it in zip(grid, values, strict=True)),
    )


def curves_in(record: Any) -> dict[str, Curve]:
    """Out of a record that anybody may have sealed; none where it has none, or none that makes sense."""
    evidence = table(record, "evidence") if isinstance(record, dict) else {}
    told = table(table(evidence, "rails"), "curve")
    steps = [number(one) for one in listed(told.get("ms"))]
    times = list(accumulate(one for one in steps if one is not None))
    if not 0 < len(steps) == len(times) <= _MOST_POINTS or not 0 <= times[0] <= times[-1] <= _MOST_MS:
        return {}
    if any(after <= before for before, after in pairwise(times)):
        return {}
    found = {}
    for rail, values in list(table(told, "rails").items())[:_MOST_RAILS]:
        plain = [number(one) for one in listed(values)]
        levels = list(accumulate(_STEP_MV * one for one in plain if one is not None))
        if rail and len(plain) == len(levels) == len(times) and all(abs(one) <= _MOST_MV for one in levels):
            found[storable(rail, 64)] = Curve(tuple(zip(times, levels, strict=True)))
    return found
