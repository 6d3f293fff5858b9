"""How a job's limits differ from those of the release before, line by line."""

from __future__ import annotations

from typing import Any

from rescuelink.errors import JobError
from rescuelink.fields import Fields
from rescuelink.limits import Limits, default_limits, read_limits

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
        if name not in ("rails", "roles") and getattr(old, name) != getattr(new, name):
            changes.append(f"{name} {getattr(old, name)} to {getattr(new, name)}")
    for rail in sorted(old.rails.keys() - new.rails.keys()):
        changes.append(f"rails.{rail} is no rail of the unit any more")
    for rail in sorted(new.rails.keys() - old.rails.keys()):
        window = new.rails[rail]
        changes.append(f"rails.{rail} is new: {window.low_mv}..{window.high_mv} mV, danger {window.danger_mv}")
    for rail in [name for name in old.rails if name in new.rails]:
        for part in _PARTS:
            values = getattr(old.rails[rail], part), getattr(new.rails[rail], part)
            if values[0] != values[1]:
                changes.append(f"rails.{rail}.{part} {values[0]} to {values[1]}")
    return changes


def _limits(document: dict[str, Any]) -> Limits:
    profile = document.get("board", {}).get("rails")
    rails = None if profile is None else Fields(profile, "board.rails")
    return read_limits(Fields(document.get("limits", {}), "limits"), "", rails)
