"""How a job's limits differ from those of the release before, line by line."""

from __future__ import annotations

from typing import Any

from rescuelink.errors import JobError
from rescuelink.fields import Fields
from rescuelink.limits import RAIL_NAMES, Limits, default_limits, read_limits

_PARTS = ("low_mv", "high_mv", "danger_mv")


def limit_changes(before: dict[str, Any] | None, after: dict[str, Any]) -> list[str]:
    """Of two jobs' documents, e.g. "rails.v3v3.danger_mv 3630 to 4000". `before` None: against the defaults."""
    new = _limits(after)
    try:
        old = default_limits() if before is None else _limits(before)
    except JobError as error:
        return [f"those before are not allowed any more: {error.message}"]
    changes = []
    for name in vars(new):
        if name != "rails" and getattr(old, name) != getattr(new, name):
            changes.append(f"{name} {getattr(old, name)} to {getattr(new, name)}")
    for rail in RAIL_NAMES:
        for part in _PARTS:
            values = getattr(old.rails[rail], part), getattr(new.rails[rail], part)
            if values[0] != values[1]:
                changes.append(f"rails.{rail}.{part} {values[0]} to {values[1]}")
    return changes


def _limits(document: dict[str, Any]) -> Limits:
    return read_limits(Fields(document.get("limits", {}), "limits"), "")
