"""Connections that ask for nothing take no place from those that do: limits in number and time, before any request.

The server beneath waits for ever for a request's head. Here a connection has so long to send one, then so long for its
body; and when more than a few wait without having sent one whole, the one that has waited longest goes. Of what goes
wrong so many lines are logged and no more: whoever does it by the thousand would fill the disk as well.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_S = 10.0
BODY_S = 120.0
MOST_WAITING = 128
MOST_OPEN = 512
MOST_HEAD_BYTES = 32 * 1024

_RECORDS, _RECORDS_S = 30, 600.0
_LOGGERS = ("uvicorn.error", "asyncio")
_HARDLY_NEWS = ("Invalid HTTP request received.", "Unsupported upgrade request.")


class Waiting:
    """Connections that have not sent a whole request, the oldest first; and how many there are at all."""

    def __init__(self, most_waiting: int = MOST_WAITING, most_open: int = MOST_OPEN) -> None:
        self._most_waiting = most_waiting
        self._most_open = most_open
        self._waiting: dict[LimitedProtocol, None] = {}
        self._open: set[LimitedProtocol] = set()

    def opened(self, one: LimitedProtocol) -> None:
        self._open.add(one)
        self._waiting[one] = None
        while self._waiting and (len(self._waiting) > self._most_waiting or len(self._open) > self._most_open):
            oldest = next(iter(self._waiting))
            self.closed(oldest)
            oldest.transport.abort()

    def waits(self, one: LimitedProtocol) -> None:
        """It may send another request."""
        if one in self._open:
            self._waiting[one] = None

    def asks(self, one: LimitedProtocol) -> None:
        """It has sent a whole one."""
        self._waiting.pop(one, None)

    def closed(self, one: LimitedProtocol) -> None:
        self._waiting.pop(one, None)
        self._open.discard(one)


class LimitedProtocol(H11Protocol):
    """HTTP/1.1 as uvicorn does it, within limits. Use `limited`."""

    places: Waiting
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._within(HEAD_S)
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
            self._within(HEAD_S)
        super().data_received(data)

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


def limited(places: Waiting | None = None) -> type[LimitedProtocol]:
    """The protocol of one server."""
    return type("LimitedProtocol", (LimitedProtocol,), {"places": places or Waiting()})


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


def make_room() -> None:
    """For as many open files as connections and helpers may take, where the system gives less by itself."""
    if os.name != "posix":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 4 * MOST_OPEN if hard == resource.RLIM_INFINITY else min(4 * MOST_OPEN, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
