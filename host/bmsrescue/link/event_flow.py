"""How many events a helper may tell: one that tells without end takes no other's turn."""

from __future__ import annotations

import time
from collections.abc import Callable

FLOOD = "flood"
"""The event that says that others are being held back."""

_A_SECOND = 500.0  # a job at work tells some twenty
_AT_ONCE = 3000.0


class EventFlow:
    """A bucket that fills by so many a second. `clock` in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._room = _AT_ONCE
        self._at = clock()
        self._held_back = 0

    def lets_through(self) -> bool:
        """Whether this event may go on."""
        now = self._clock()
        self._room = min(_AT_ONCE, self._room + (now - self._at) * _A_SECOND)
        self._at = now
        if self._room < 1:
            self._held_back += 1
            return False
        self._room -= 1
        if self._room >= _AT_ONCE / 2:
            self._held_back = 0
        return True

    @property
    def first_held_back(self) -> bool:
        """Of this flood."""
        return self._held_back == 1
