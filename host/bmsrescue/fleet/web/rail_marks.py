"""The rails of an attempt as a picture: where each value lies in its limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bmsrescue.fleet.models import Measurement

WIDTH = 400
_MARGIN = 0.25  # of the window, shown on both sides of it


@dataclass(frozen=True)
class RailMark:
    """Places along the picture, 0 to WIDTH: the limits, what was seen from lowest to highest, and the mean."""

    rail: str
    phase: str
    verdict: str
    limit_low: float
    limit_high: float
    lowest: float
    highest: float
    mean: float


def rail_marks(measurements: Sequence[Measurement]) -> list[RailMark]:
    """Of those that have a window; a value far outside lies at the edge."""
    marks = []
    for one in measurements:
        low, high = one.limit_low, one.limit_high
        if low is None or high is None or high <= low:
            continue
        begin, span = low - _MARGIN * (high - low), (1 + 2 * _MARGIN) * (high - low)
        places = [
            WIDTH * min(1.0, max(0.0, (value - begin) / span))
            for value in (
                low,
                high,
                one.mv if one.min_mv is None else one.min_mv,
                one.mv if one.max_mv is None else one.max_mv,
                one.mv,
            )
        ]
        marks.append(RailMark(one.rail, one.phase, one.verdict, *(round(place, 1) for place in places)))
    return marks
