"""The agent on this host, with a probe for its hands: a `Session` as a helper's, without a link in between.

Every method of docs/protocol.md is the agent's own function (device/rescue/link/methods), called directly.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from importlib import import_module
from typing import Any

from bmsrescue.agent.files import make_importable
from bmsrescue.client.session import CALL_S, EventHandler, OwnSession
from bmsrescue.errors import HostError
from rescuelink.errors import LinkError, Stopped
from rescuelink.rpc import WINDOW_BYTES


class EngineServer:
    """What `rescue.link.host_work.HostWork` wants of a server."""

    def __init__(self, tell: EventHandler) -> None:
        self.event = tell
        self.working: str | None = None

    def pump(self, wait_ms: int = 0) -> None:
        """Nobody sends anything: "cancel" and "answer" are calls from another thread. A person's time passes."""
        if wait_ms:
            time.sleep(wait_ms / 1e3)


class EngineChannel:
    """And of a channel: no line has to share this computer's memory with a job."""

    def window(self, length: int) -> memoryview:
        return memoryview(bytearray(length))

    def narrow(self) -> None:
        pass

    def widen(self) -> None:
        pass


class ProbeSession(OwnSession):
    """`ports`: the agent's Ports. `name`: of the probe; it stands in the records as the helper's.

    after_job: called when a record is written. late_errors: what went wrong behind the work that was done.
    """

    lasting = False
    asks = True  # whether a person may be asked to do by hand what the probe cannot
    card_folder = ""  # where the card is

    def __init__(
        self,
        name: str,
        ports: Any,
        after_job: Callable[[], None] = lambda: None,
    ) -> None:
        make_importable()
        super().__init__(name)
        self.late_errors: list[HostError] = []
        self._closing = ExitStack()
        self._hears: Callable[[str], None] = lambda _: None
        self._after_job = after_job
        self._server = EngineServer(self._tell)
        # Not imported by name: the agent's modules are not held to our types.
        self._methods: Any = import_module("rescue.link.server")
        host_work: Any = import_module("rescue.link.host_work")
        self._work: Any = host_work.HostWork(ports, {"helper": name}, self._server, EngineChannel())
        self.about: dict[str, Any] = {"helper": name, "window_bytes": WINDOW_BYTES}

    def call(self, method: str, *params: Any, timeout_s: float = CALL_S) -> Any:
        given = [memoryview(value) if isinstance(value, (bytes, bytearray)) else value for value in params]
        function, types = self._methods._find(method)
        self._methods._checked(given, types, method)
        outer, self._server.working = self._server.working, method
        self._work.begin()
        try:
            return _plain(function(self._work, *given))
        except Stopped as stopped:
            self._work.stopped(method)
            raise LinkError(stopped.kind, stopped.message, next_step=stopped.next_step) from None
        finally:
            self._server.working = outer

    def run(self, method: str, *params: Any) -> Any:
        result = self.call(method, *params)
        if method == "job.run":
            self._after_job()
        return result

    def write_file(self, path: str, data: bytes, progress: Callable[[int], None]) -> None:
        for at in range(0, max(len(data), 1), WINDOW_BYTES):
            progress(self.call("card.write", path, at, data[at : at + WINDOW_BYTES]))

    def cancel(self) -> None:
        self._work.cancel()

    def answer(self, number: int, text: str) -> None:
        self._hears(text)
        self._work.answered = (number, text)

    def hear_answers(self, handler: Callable[[str], None]) -> None:
        """`handler` gets what a person answers, before the engine does."""
        self._hears = handler

    def add_closing(self, function: Callable[[], None]) -> None:
        """What is done at the end, the last one first."""
        self._closing.callback(function)

    def close(self) -> None:
        """The unit is made safe, and the probe let go."""
        with self._closing:
            self._work.make_safe()

    def _tell(self, name: str, data: Any) -> None:
        super()._tell(name, _plain(data))


def _plain(value: Any) -> Any:
    """As it would come over the link: views as bytes, tuples as lists, nothing shared with the agent."""
    if isinstance(value, (memoryview, bytearray)):
        return bytes(value)
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value
