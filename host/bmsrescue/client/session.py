"""An open helper, whichever way it is reached: `DirectSession` owns the port, `DaemonSession` asks the daemon."""

import os
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from types import TracebackType
from typing import Any, Protocol, Self

from bmsrescue.link.card_stream import write_file
from bmsrescue.link.client import LinkClient
from rescuelink import rpc
from rescuelink.errors import LinkError, RescueError

EventHandler = Callable[[str, Any], None]

CALL_S = 10.0  # for a call that does one thing
SLOW_S = 90.0  # for one that waits for power to go, or moves a lot
JOB_S = 1800.0  # for a whole job
HELLO_S = 10.0  # a board that was just plugged in is still starting
_TAKE_OVER_S = rpc.HOST_LOST_MS / 1000 + 1.0


class Session(Protocol):
    """What a command needs of a helper."""

    name: str
    about: dict[str, Any]  # what the agent said of itself at hello
    lasting: bool  # the helper stays as it is left when this session is closed

    def call(self, method: str, *params: Any, timeout_s: float = CALL_S) -> Any:
        """The result of a method of the link (docs/protocol.md). Raises RescueError."""

    def run(self, method: str, *params: Any) -> Any:
        """Long work: like `call`; others are told "busy" meanwhile."""

    def write_file(self, path: str, data: bytes, progress: Callable[[int], None]) -> None:
        """Write a file of the card anew, as `bmsrescue.link.card_stream.write_file`; "card.close" completes it."""

    def cancel(self) -> None:
        """Stop long work at its next safe point."""

    def answer(self, number: int, text: str) -> None:
        """What a person says to the question `number` of an event "ask": "done", "cannot", or a meter's mV."""

    def alone(self, seconds: float) -> AbstractContextManager[None]:
        """A context in which no other client's calls come between ours; others wait `seconds` when we die in it."""

    def watching(self, handler: EventHandler) -> AbstractContextManager[None]:
        """A context in which `handler` gets every event, from another thread."""

    def close(self) -> None: ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def open_link(
    url: str,
    on_event: EventHandler | None = None,
    on_lost: Callable[[LinkError], None] | None = None,
    hello_s: float = HELLO_S,
) -> tuple[LinkClient, dict[str, Any]]:
    """Open a port and the session on it; returns the client and what the agent says of itself.

    Raises:
        LinkError: kinds "port" (cannot be opened), "no_agent" (nothing of ours answers), "version" (another release's
            protocol), "busy" (another host has the session), "lost" (vanished meanwhile).
    """
    link = LinkClient(url, on_event, on_lost)
    try:
        return link, _hello(link, hello_s)
    except LinkError as error:
        link.close()
        if error.kind == "timeout":
            raise LinkError("no_agent", f"no agent answers on {url}", next_step=error.next_step) from None
        raise
    except RescueError:
        link.close()
        raise


def _hello(link: LinkClient, hello_s: float) -> dict[str, Any]:
    # A host that died a moment ago is still in session until the agent misses its heartbeat.
    client = f"bmsrescue-{os.getpid()}"
    deadline = time.monotonic() + _TAKE_OVER_S
    while True:
        try:
            return link.hello(client, hello_s)
        except LinkError as error:
            if error.kind != "busy" or time.monotonic() > deadline:
                raise
        time.sleep(_TAKE_OVER_S / 10)


class OwnSession(ABC):
    """A helper that this process alone works with: its events go to whoever watches, and nobody else has to wait."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._lock = threading.Lock()
        self._handlers: list[EventHandler] = []

    def alone(self, seconds: float) -> AbstractContextManager[None]:
        return nullcontext()

    @contextmanager
    def watching(self, handler: EventHandler) -> Iterator[None]:
        self.watch_always(handler)
        try:
            yield
        finally:
            with self._lock:
                self._handlers.remove(handler)

    def watch_always(self, handler: EventHandler) -> None:
        """`handler` gets every event until the session is closed."""
        with self._lock:
            self._handlers.append(handler)

    @abstractmethod
    def close(self) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _tell(self, name: str, data: Any) -> None:
        with self._lock:
            handlers = list(self._handlers)
        for handler in handlers:
            handler(name, data)


class DirectSession(OwnSession):
    """A helper whose port this process owns. When it is closed the agent makes the unit safe."""

    lasting = False

    def __init__(self, name: str, url: str) -> None:
        super().__init__(name)
        self._link, self.about = open_link(url, self._tell)

    def call(self, method: str, *params: Any, timeout_s: float = CALL_S) -> Any:
        return self._link.call(method, *params, timeout_s=timeout_s)

    def run(self, method: str, *params: Any) -> Any:
        return self._link.call(method, *params, timeout_s=JOB_S)

    def write_file(self, path: str, data: bytes, progress: Callable[[int], None]) -> None:
        write_file(self._link, path, 0, data, SLOW_S, progress)

    def cancel(self) -> None:
        self._link.notify("cancel")

    def answer(self, number: int, text: str) -> None:
        self._link.call("answer", number, text, timeout_s=CALL_S)

    def close(self) -> None:
        self._link.close()
