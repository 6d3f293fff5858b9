"""Helpers for the daemon that exist only in memory: a link is a dict of answers, and can be lost or held up."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from bmsrescue.client.session import EventHandler
from rescuelink.errors import LinkError, RescueError

PATIENCE_S = 30.0


class FakeLink:
    """Answers `method` with `answers[method]`: a value, an error to raise, or a function of the parameters."""

    def __init__(self, on_event: EventHandler, on_lost: Callable[[LinkError], None]) -> None:
        self.tell = on_event
        self._on_lost = on_lost
        self.answers: dict[str, Any] = {"rails.read": {"rails": {"v3v3": 3300}, "ma": 50}}
        self.calls: list[tuple[str, tuple[Any, ...]]] = []
        self.notified: list[str] = []
        self.closed = False
        self._lost: LinkError | None = None
        self._news = threading.Event()

    def call(self, method: str, *params: Any, timeout_s: float = 5.0) -> Any:
        self.calls.append((method, params))
        answer = self.answers.get(method, LinkError("unknown_method", f"there is no method {method}"))
        if callable(answer):
            answer = answer(*params)
        if isinstance(answer, RescueError):
            raise answer
        return answer

    def until_lost(self, *_params: Any) -> LinkError:
        """For `answers`: work that only the link's end ends."""
        assert self._news.wait(PATIENCE_S)
        return self._lost or LinkError("cancelled", "stopped on request")

    def notify(self, method: str, *_params: Any) -> None:
        self.notified.append(method)
        self._news.set()

    def lose(self) -> None:
        self._lost = LinkError("lost", "the port has vanished")
        self._news.set()
        self._on_lost(self._lost)

    def close(self) -> None:
        self.closed = True
        self._lost = self._lost or LinkError("lost", "closed")
        self._news.set()


class FakeBoard:
    """What is plugged in: gives a new link each time it is opened, or raises `refusal`."""

    def __init__(self) -> None:
        self.links: list[FakeLink] = []
        self.refusal: LinkError | None = None
        self.tries = 0

    @property
    def link(self) -> FakeLink:
        return self.links[-1]

    def open(
        self, _url: str, on_event: EventHandler, on_lost: Callable[[LinkError], None]
    ) -> tuple[Any, dict[str, Any]]:
        self.tries += 1
        if self.refusal is not None:
            raise self.refusal
        self.links.append(FakeLink(on_event, on_lost))
        return self.link, {"agent": "0.1.0", "protocol": 1}
