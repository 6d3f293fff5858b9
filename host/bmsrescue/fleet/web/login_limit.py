"""Passwords cannot be tried out: after some wrong ones, whoever asks from there for that account has to wait."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from bmsrescue.fleet.accounts import AccessError

WRONG_TRIES, WAIT_S = 5, 60.0
_MOST_KEPT = 1000


@dataclass
class _Tries:
    wrong: int = 0
    last: float = 0.0


class LoginLimit:
    """By account and address, so that nobody can shut another one out from elsewhere. `clock` in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._tries: dict[tuple[str, str], _Tries] = {}

    def check(self, name: str, address: str) -> None:
        """Raises AccessError ("slow") while one has to wait."""
        tries = self._tries.get((name, address))
        if tries is None or tries.wrong < WRONG_TRIES:
            return
        left_s = tries.last + WAIT_S - self._clock()
        if left_s > 0:
            raise AccessError("slow", "too many wrong passwords", f"Try again in {left_s:.0f} seconds.")

    def wrong(self, name: str, address: str) -> None:
        """The password was wrong."""
        tries = self._tries.pop((name, address), _Tries())
        if tries.last + WAIT_S < self._clock():
            tries.wrong = 0
        while len(self._tries) >= _MOST_KEPT:
            del self._tries[next(iter(self._tries))]  # the one that was wrong the longest time ago
        self._tries[name, address] = _Tries(tries.wrong + 1, self._clock())

    def right(self, name: str, address: str) -> None:
        """Somebody who knows it."""
        self._tries.pop((name, address), None)
