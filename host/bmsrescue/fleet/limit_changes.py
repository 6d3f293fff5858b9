"""How a job differs from the release before, line by line; and which of its limits let more through."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from rescuelink.errors import JobError
from rescuelink.fields import Fields
from rescuelink.limits import Limits, default_limits, read_limits

_PARTS = ("low_mv", "high_mv", "danger_mv")
# Numbers by which a unit may be given more, or longer, or be judged sooner.
_MORE = (
    "supply_ma",
    "trip_ma",
    "inrush_ms",
    "short_ms",
    "rise_ms",
    "discharged_mv",
    "energise_ms",
    "cycles_per_minute",
)
_LESS = ("hold_off_ms", "quiet_ms")
_MOST_LINES, _LONGEST = 60, 60


def limit_changes(before: dict[str, Any] | None, after: dict[str, Any]) -> list[str]:
    """Of two jobs' documents, e.g. "rails.v3v3.danger_mv 3630 to 4000". `before` None: against the defaults."""
    try:
        old = default_limits() if before is None else _limits(before)
    except JobError as error:
        return [f"those before are not allowed any more: {error.message}"]
    return [f"{name} {_said(one)} to {_said(other)}" for name, one, other in _differing(old, _limits(after))]


def widened(before: dict[str, Any] | None, after: dict[str, Any]) -> list[str]:
    """The names of those limits that let more through than before. A rail that was not there before is none; one that a
    job does not speak of any more is not judged at all.
    """
    try:
        old = default_limits() if before is None else _limits(before)
    except JobError:
        return []  # nothing is wider than what is not allowed any more
    found = []
    for name, one, other in _differing(old, _limits(after)):
        rail, _point, part = name.rpartition(".")
        if other is None and before is not None and part == _PARTS[0]:
            found.append(rail)
        if one is None or other is None:
            continue
        if other < one if part == "low_mv" or part in _LESS else other > one and (part in _PARTS or part in _MORE):
            found.append(name)
    return found


def other_changes(before: dict[str, Any] | None, after: dict[str, Any]) -> list[str]:
    """What else differs: policy, words of consent, image, target; nothing where there was no release before."""
    if before is None:
        return []
    old, new = ({name: value for name, value in _leaves(one) if name[:7] != "limits."} for one in (before, after))
    changes = []
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) != new.get(name):
            changes.append(f"{name} {_said(old.get(name))} to {_said(new.get(name))}")
    return changes[:_MOST_LINES]


def _differing(old: Limits, new: Limits) -> Iterator[tuple[str, int | None, int | None]]:
    for name, value in vars(new).items():
        if type(value) is int and getattr(old, name) != value:
            yield name, getattr(old, name), value
    for rail in [*old.rails, *(name for name in new.rails if name not in old.rails)]:
        windows = old.rails.get(rail), new.rails.get(rail)
        for part in _PARTS:
            one, other = (None if window is None else getattr(window, part) for window in windows)
            if one != other:
                yield f"rails.{rail}.{part}", one, other


def _leaves(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, f"{name}.{key}" if name else str(key))
    else:
        yield name, value


def _said(value: Any) -> str:
    if value is None:
        return "nothing"
    return value[:_LONGEST] if isinstance(value, str) else json.dumps(value)[:_LONGEST]


def _limits(document: dict[str, Any]) -> Limits:
    board = document.get("board")
    rails = board.get("rails") if isinstance(board, dict) else None
    profile = Fields(rails, "board.rails") if rails else None
    return read_limits(Fields(document.get("limits", {}), "limits"), "", profile)
