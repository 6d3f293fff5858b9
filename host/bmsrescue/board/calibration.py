"""Two points of a rail: what its ADC reads, and what a meter says."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from typing import Any

from bmsrescue.errors import HostError, UsageError
from rescuelink import two_points
from rescuelink.guard import doubt_mv, judge
from rescuelink.limits import default_limits

_OFF_MV = 900  # a rail is off below that, for the dongle too
_WHY = {
    "close": ("the two voltages are too close to one another", "Take one near 0 and one near the rail's own."),
    "falls": ("the meter's readings fall where the ADC's rise", "Look whether the meter is on the same rail."),
}


def point(readings: Sequence[int], mv: int) -> tuple[int, int]:
    """(raw, mV). Raises UsageError where the ADC is at its end."""
    if two_points.is_at_end(list(readings)):
        raise UsageError("the ADC is at the end of its range", "Choose a lower voltage.")
    return round(sum(readings) / len(readings)), mv


def calibrated(
    text: bytes, rail: str, points: Sequence[tuple[int, int]], off_mv: int, today: date
) -> tuple[bytes, float]:
    """board.json with these points, and how far the slope is off the divider's nominal one (0.01: 1 %).

    Raises:
        UsageError: the rail is not one of its own on an ADC, or the points cannot be of its divider.
        HostError: the text is no board.json.
    """
    config = _parsed(text)
    rails: dict[str, Any] = config.get("rails") or {}
    there = rails.get(rail)
    if there is None:
        raise UsageError(f"this helper's board.json has no rail {rail}", f"It has {', '.join(rails) or 'none'}.")
    low, high = sorted(points)
    vref_mv = config.get("vref_mv", 3300)
    fault = two_points.fault_of([low, high], there, vref_mv)
    if fault in _WHY:
        raise UsageError(*_WHY[fault])
    off = two_points.slope_off([low, high], there, vref_mv)
    if fault is not None:
        raise UsageError(
            f"the slope is {off:+.0%} off what the divider says",
            "Look at top_ohm and bottom_ohm, and that the meter's reading is in volts.",
        )
    there["calibration"] = [list(low), list(high)]
    there["calibrated"] = {"date": today.isoformat(), "uncertainty_mv": off_mv}
    return (json.dumps(config, indent=2) + "\n").encode(), off


def judged_reading(config: dict[str, Any], rail: str, mv: int) -> dict[str, Any]:
    """{"off_mv", "verdict"} of a reading: "pass", "marginal" or "fail" against the rail's usual window (guard-banded),
    "off" near 0 V, "" of a rail without one."""
    off_mv = doubt_mv((config.get("rails") or {}).get(rail), mv)
    window = default_limits().rails.get(rail)
    if mv < _OFF_MV:
        return {"off_mv": off_mv, "verdict": "off"}
    return {"off_mv": off_mv, "verdict": judge(mv, window.low_mv, window.high_mv, off_mv) if window else ""}


def _parsed(text: bytes) -> dict[str, Any]:
    try:
        config = json.loads(text)
    except ValueError as error:
        raise HostError(
            f"the helper's board.json is no JSON ({error})", "Bring one: bmsrescue deploy --board"
        ) from error
    if not isinstance(config, dict):
        raise HostError("the helper's board.json is no object", "Bring one: bmsrescue deploy --board")
    return config
