"""Passwords cannot be tried out: after some wrong ones, whoever asks from there for that account has to wait.

A try counts from its beginning, so that many at once are no more than one after the other; one that turns out right
takes its count back. And the work is bounded: a password is looked at alone, few wait for their turn, the others are
told to try again, so that who tries costs us less than themselves.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

from bmsrescue.fleet.accounts import AccessError, Person

WRONG_TRIES, WAIT_S = 5, 60.0
WRONG_FROM_ONE_PLACE = 20  # whatever the account
_MOST_KEPT = 10_000
_MOST_WAITING, _TURN_S = 4, 10.0
_PREFIX_BITS = 64  # who has an IPv6 address has as many as they like behind it


@dataclass
class _Tries:
    count: int = 0
    last: float = 0.0


class _Table:
    """Tries that are not known to be right, by what they have in common."""

    def __init__(self, most: int, clock: Callable[[], float]) -> None:
        self._most = most
        self._clock = clock
        self._tries: dict[tuple[str, ...], _Tries] = {}

    def left_s(self, *key: str) -> float:
        """How long one still has to wait; 0 or less: not at all."""
        tries = self._tries.get(key)
        return tries.last + WAIT_S - self._clock() if tries is not None and tries.count >= self._most else 0.0

    def begin(self, *key: str) -> None:
        tries = self._tries.pop(key, _Tries())
        if tries.last + WAIT_S < self._clock():
            tries.count = 0
        while len(self._tries) >= _MOST_KEPT:
            del self._tries[next(iter(self._tries))]  # the one that was tried the longest time ago
        self._tries[key] = _Tries(tries.count + 1, self._clock())

    def forget(self, *key: str) -> None:
        self._tries.pop(key, None)

    def take_back(self, *key: str) -> None:
        if key in self._tries:
            self._tries[key].count = max(0, self._tries[key].count - 1)


class LoginLimit:
    """By account and address, so that nobody can shut another one out from elsewhere. `clock` in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._lock = threading.Lock()
        self._by_account = _Table(WRONG_TRIES, clock)
        self._by_place = _Table(WRONG_FROM_ONE_PLACE, clock)
        self._waiting = threading.Semaphore(_MOST_WAITING)
        # One thread: the memory that a password takes is taken once, not once for each of the server's threads.
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="passwords")

    def begin(self, name: str, address: str) -> None:
        """A try begins. Raises AccessError ("slow") while one has to wait."""
        place = _place(address)
        with self._lock:
            left_s = max(self._by_account.left_s(name, place), self._by_place.left_s(place))
            if left_s > 0:
                raise AccessError("slow", "too many wrong passwords", f"Try again in {left_s:.0f} seconds.")
            self._by_account.begin(name, place)
            self._by_place.begin(place)

    def right(self, name: str, address: str) -> None:
        """It was somebody who knows it."""
        place = _place(address)
        with self._lock:
            self._by_account.forget(name, place)
            self._by_place.take_back(place)

    def alone(self, look: Callable[[], Person]) -> Person:
        """What `look` finds, which looks at a password; no other does so meanwhile. Raises AccessError ("slow")."""
        if not self._waiting.acquire(blocking=False):
            raise _busy()
        looking = self._worker.submit(look)
        looking.add_done_callback(lambda _looking: self._waiting.release())
        try:
            return looking.result(_TURN_S)
        except TimeoutError:
            looking.cancel()
            raise _busy() from None


def _busy() -> AccessError:
    return AccessError("slow", "too many log in at the same time", "Try again in a few seconds.")


def _place(address: str) -> str:
    try:
        found = ip_address(address)
    except ValueError:
        return address[:64]
    if not isinstance(found, IPv6Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return f"{int(found) >> (128 - _PREFIX_BITS):x}/{_PREFIX_BITS}"
