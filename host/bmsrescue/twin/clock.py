"""The one clock of the twin: virtual nanoseconds, moved only by those who spend time.

Nothing in the twin sleeps. Whoever takes time (an SWCLK cycle, a card access, the agent's ``sleep_ms``) advances the
clock, and what falls due on the way happens in order, each at its own instant.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable

NEVER_NS = 1 << 62
"""Later than anything a session can reach (146 years)."""


class Event:
    """One thing that is going to happen; ``cancel()`` makes it not happen."""

    __slots__ = ("action", "cancelled", "when_ns")

    def __init__(self, when_ns: int, action: Callable[[], None]) -> None:
        self.when_ns = when_ns
        self.action = action
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class VirtualClock:
    """Time in nanoseconds since the start of the session.

    ``now_ns`` and ``due_ns`` are plain attributes, to be read by everybody and written by nobody but this class and the
    SWD port, which for every field of a transfer steps ``now_ns`` itself while it stays before ``due_ns``.
    """

    __slots__ = ("_order", "_queue", "due_ns", "now_ns")

    def __init__(self) -> None:
        self.now_ns = 0
        self.due_ns = NEVER_NS
        # In order of time, then of asking; what is compared first is never equal.
        self._queue: list[tuple[int, int, Event]] = []
        self._order = 0

    def advance(self, duration_ns: int) -> None:
        """Let ``duration_ns`` pass; events due on the way are run in order, each seeing its own time as ``now_ns``."""
        target_ns = self.now_ns + duration_ns
        if target_ns < self.due_ns:
            self.now_ns = target_ns
        else:
            self._run_until(target_ns)

    def at(self, when_ns: int, action: Callable[[], None]) -> Event:
        """Have ``action`` called when the clock reaches ``when_ns`` (at the next advance, if that is already past)."""
        self._order += 1
        event = Event(when_ns, action)
        heapq.heappush(self._queue, (when_ns, self._order, event))
        self.due_ns = self._queue[0][0]
        return event

    def after(self, delay_ns: int, action: Callable[[], None]) -> Event:
        """Have ``action`` called ``delay_ns`` from now."""
        return self.at(self.now_ns + delay_ns, action)

    def _run_until(self, target_ns: int) -> None:
        queue = self._queue
        while queue and queue[0][0] <= target_ns:
            when_ns, _order, event = heapq.heappop(queue)
            self.due_ns = queue[0][0] if queue else NEVER_NS
            if event.cancelled:
                continue
            if when_ns > self.now_ns:
                self.now_ns = when_ns
            event.action()
        # An action may itself have spent time, so that we are already further than asked for.
        if target_ns > self.now_ns:
            self.now_ns = target_ns
