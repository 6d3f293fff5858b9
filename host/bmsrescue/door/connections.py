"""Connections that ask for nothing take no place from those that do: limits in number and time, before any request.

The server beneath waits for ever for a request's head. Here a connection has so long to send one, then so long for its
body; and when more than a few wait without having sent one whole, the one that has waited longest goes. Of what goes
wrong so many lines are logged and no more: whoever does it by the thousand would fill the disk as well.
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
import select
import time
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_S = 10.0
"""At most; each has a time of its own, so that a thousand that came together do not all end in one moment."""
_SHORTEST = 0.5  # of HEAD_S
BODY_S = 120.0
GRACE_S = 1.0
PACE_S = 0.02
MOST_WAITING = 128
MOST_OPEN = 1500
MOST_HEAD_BYTES = 32 * 1024

_RECORDS, _RECORDS_S = 30, 600.0
_LOGGERS = ("uvicorn.error", "asyncio")
_HARDLY_NEWS = ("Invalid HTTP request received.", "Unsupported upgrade request.")


class Waiting:
    """Connections that have not sent a whole request, by address, the oldest first; and all that are open.

    Where too many wait, the address with most of them loses its oldest: none that has just come, as long as there is
    room, and none whose bytes lie there unread; and one after the other, as all at once would come back at once, and
    who asks meanwhile would wait for a thousand of them to be taken.
    """

    def __init__(
        self,
        most_waiting: int = MOST_WAITING,
        most_open: int = MOST_OPEN,
        grace_s: float = GRACE_S,
        pace_s: float = PACE_S,
    ) -> None:
        self._most_waiting = most_waiting
        self._most_open = most_open
        self._grace_s = grace_s
        self._pace_s = pace_s
        self._next = 0.0
        self._waiting: dict[str, dict[LimitedProtocol, float]] = {}
        self._count = 0
        self._open: set[LimitedProtocol] = set()

    def opened(self, one: LimitedProtocol) -> None:
        self._open.add(one)
        self.waits(one)
        while self._count > self._most_waiting and one.loop.time() >= self._next and self._lets_go(self._grace_s):
            self._next = one.loop.time() + self._pace_s
        while len(self._open) > self._most_open and self._lets_go(0.0):
            pass

    def waits(self, one: LimitedProtocol) -> None:
        """It may send a request, or another one."""
        if one in self._open and one not in (same := self._waiting.setdefault(one.place, {})):
            same[one] = one.loop.time()
            self._count += 1

    def asks(self, one: LimitedProtocol) -> None:
        """It has sent a whole one."""
        same = self._waiting.get(one.place, {})
        if same.pop(one, None) is not None:
            self._count -= 1
        if not same:
            self._waiting.pop(one.place, None)

    def closed(self, one: LimitedProtocol) -> None:
        self.asks(one)
        self._open.discard(one)

    def _lets_go(self, grace_s: float) -> bool:
        """Whether one could be let go."""
        most = max(self._waiting.values(), key=len, default={})
        for one, since in most.items():
            if one.loop.time() - since < grace_s:
                return False
            if not one.has_unread():
                self.closed(one)
                one.transport.abort()
                return True
        return False


class LimitedProtocol(H11Protocol):
    """HTTP/1.1 as uvicorn does it, within limits. Use `limited`."""

    places: Waiting
    place = ""  # where it comes from
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.place = self.client[0] if self.client else ""
        self._within(_head_s())
        self.places.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._cancel()
        self.places.closed(self)
        super().connection_lost(exc)

    def handle_events(self) -> None:
        before = self.cycle
        super().handle_events()
        cycle = self.cycle
        if cycle is None or self.transport.is_closing():
            return
        if not cycle.more_body:
            self.places.asks(self)
            self._cancel()
        elif cycle is not before:
            self._within(BODY_S)

    def handle_websocket_upgrade(self, event: Any) -> None:
        self._cancel()
        self.places.closed(self)
        super().handle_websocket_upgrade(event)

    def on_response_complete(self) -> None:
        # uvicorn's own timer ends a connection that asks for nothing more.
        self._cancel()
        self.places.waits(self)
        super().on_response_complete()

    def data_received(self, data: bytes) -> None:
        if self.timeout_keep_alive_task is not None:
            self._within(_head_s())
        super().data_received(data)

    def has_unread(self) -> bool:
        """Whether bytes of it have come that nobody has looked at yet."""
        found = self.transport.get_extra_info("socket")
        if found is None or not hasattr(select, "poll") or found.fileno() < 0:
            return False
        poll = select.poll()
        poll.register(found.fileno(), select.POLLIN)
        return any(event & select.POLLIN and not event & select.POLLHUP for _fd, event in poll.poll(0))

    def _within(self, seconds: float) -> None:
        self._cancel()
        self._timer = self.loop.call_later(seconds, self._too_slow)

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _too_slow(self) -> None:
        self._timer = None
        self.transport.abort()


def _head_s() -> float:
    return HEAD_S * random.uniform(_SHORTEST, 1.0)


def limited(places: Waiting) -> type[LimitedProtocol]:
    """The protocol of one server."""
    return type("LimitedProtocol", (LimitedProtocol,), {"places": places})


class FewWords(logging.Filter):
    """Lets so many records of a logger through in ten minutes, and says when it is the last one."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._count = 0
        self._until = 0.0

    def filter(self, record: logging.LogRecord) -> bool:
        if record.msg in _HARDLY_NEWS:
            return False
        now = self._clock()
        if now >= self._until:
            self._count, self._until = 0, now + _RECORDS_S
        self._count += 1
        if self._count == _RECORDS:
            record.msg, record.args = f"{record.getMessage()} (more are not listed for ten minutes)", ()
        return self._count <= _RECORDS


def keep_logs_short() -> None:
    """Of the server's own loggers."""
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        if not any(isinstance(one, FewWords) for one in logger.filters):
            logger.addFilter(FewWords())


def make_room() -> int:
    """For as many open files as connections and helpers may take, where the system gives less by itself; how many."""
    if os.name != "posix":
        return 2 * MOST_OPEN
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * MOST_OPEN if hard == resource.RLIM_INFINITY else min(2 * MOST_OPEN, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        except (OSError, ValueError):
            return soft
    return wanted
