"""What happens on all helpers, numbered from 1: kept for a while, and handed to whoever waits."""

import asyncio
import time
from collections import deque
from itertools import islice
from typing import Any

from bmsrescue.link.words import weight

_KEPT = 4000
_KEPT_BYTES = 32 * 1024 * 1024  # 4,000 usual ones have some 6 MiB


class EventLog:
    """The newest events. Used from the event loop's thread only.

    A reader keeps the number of the last event it has seen; a gap in the numbers means that it was too slow, or that it
    came too late.
    """

    def __init__(self) -> None:
        self._events: deque[dict[str, Any]] = deque()
        self._bytes: deque[int] = deque()  # of each
        self._kept = 0
        self._last = 0
        self._news = asyncio.Event()
        self.over = False  # the daemon ends: there will be no more

    @property
    def last(self) -> int:
        """The newest event's number, 0 before the first."""
        return self._last

    def add(self, helper: str, name: str, data: Any) -> None:
        """Something happened on `helper`."""
        self._last += 1
        self._events.append({"number": self._last, "at": time.time(), "helper": helper, "name": name, "data": data})
        self._bytes.append(weight(data))
        self._kept += self._bytes[-1]
        while len(self._events) > _KEPT or (self._kept > _KEPT_BYTES and len(self._events) > 1):
            self._events.popleft()
            self._kept -= self._bytes.popleft()
        self._news.set()
        self._news = asyncio.Event()

    def end(self) -> None:
        """Let those go who wait for more."""
        self.over = True
        self._news.set()

    def after(self, number: int, helper: str = "") -> list[dict[str, Any]]:
        """Events newer than `number`, of one helper or of all."""
        skipped = max(0, len(self._events) - (self._last - number))
        newer = list(islice(self._events, skipped, None)) if number < self._last else []
        return [event for event in newer if not helper or event["helper"] == helper]

    async def wait_beyond(self, number: int) -> None:
        """Until there is an event newer than `number`, or there will be none."""
        while self._last <= number and not self.over:
            await self._news.wait()
