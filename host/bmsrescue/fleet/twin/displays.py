"""What a person at a virtual station would see: the dongle's display and the unit's own, told when they change.

A real fixture has no wire for either; the page says so.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from time import monotonic
from typing import Any

from bmsrescue.fleet.twin.nest import Nest

_LOOK_S = 0.5


class Displays:
    """`say` is told {"display": {"front": a 128x64 picture as base64}} and {"display": {"unit": its lines}}."""

    def __init__(self, say: Callable[[dict[str, Any]], None]) -> None:
        self._say = say
        self._lines: list[str] | None = None
        self._look_at = 0.0

    def front(self, frame: bytes) -> None:
        """The dongle's display shows something else now."""
        self._say({"display": {"front": base64.b64encode(frame).decode()}})

    def look(self, nest: Nest) -> None:
        """Called whenever the helper looks at the nest; looks at the unit's display twice a second."""
        now = monotonic()
        if now < self._look_at:
            return
        self._look_at = now + _LOOK_S
        lines = [] if nest.unit is None else nest.unit.display.lines
        if lines != self._lines:
            self._lines = lines
            self._say({"display": {"unit": lines}})
