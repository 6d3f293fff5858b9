"""Runs the daemon: its sockets, one event loop, and a small file that tells the command line where to ask.

The page and programs come by TCP; the owner's command line comes by a Unix socket in the data folder, which needs no
log-in. Where there are no Unix sockets all come by TCP.
"""

import asyncio
import contextlib
import functools
import json
import os
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import uvicorn

from bmsrescue.card.storage import write_atomically
from bmsrescue.client.finding import Found, find_helpers
from bmsrescue.config import Config, DaemonAddress
from bmsrescue.daemon.api import Beside, create_app
from bmsrescue.daemon.helpers import Helpers
from bmsrescue.door.connections import HEAD_S, MOST_HEAD_BYTES, MOST_OPEN, Waiting, keep_logs_short, limited, make_room
from bmsrescue.door.guard import Door
from bmsrescue.door.names import LOOPBACK_NAMES
from bmsrescue.door.owner import OwnersSocket
from bmsrescue.door.sockets import listen, owners_socket, place_for_socket
from bmsrescue.door.uses import Note

ADDRESS_FILE = "daemon.json"
_END_S = 3
_ACCEPTED_AT_ONCE, _BACKLOG = 16, 1024  # in one turn of the event loop; waiting before that
_MOST_MESSAGE_BYTES = 64 * 1024  # of a WebSocket: nobody sends us any


def serve(
    config: Config,
    urls: tuple[str, ...],
    address: DaemonAddress,
    folder: Path,
    on_ready: Callable[[str], None],
    more: Callable[[], list[Found]] = list,
    beside: Beside | None = None,
    door: Door | None = None,
    note: Note | None = None,
    search: bool = True,
) -> None:
    """Serve until SIGINT or SIGTERM. `on_ready` is told the address once clients may connect.

    `more`: helpers besides those that are found; `beside`: what else is served; `door`: who may move helpers by hand;
    `note`: puts into an audit log what they do; `search` False: no helper is looked for.

    Raises:
        UsageError: an address cannot be had.
        HostError: the data folder cannot be written.
    """
    files = make_room()
    connected = Helpers(lambda: (find_helpers(config, urls) if search else []) + more(), folder)
    connected.uses.note = note
    app = create_app(connected, LOOPBACK_NAMES | {name.lower() for name in address.names}, beside)
    if door is not None:
        app.state.door = door
    with contextlib.ExitStack() as ends:
        if address.uds:
            owners = ends.enter_context(owners_socket(Path(address.uds)))
            server = _Server(uvicorn.Config(OwnersSocket(app), **_settings()), connected.events.end, owners)
            where = f"unix:{Path(address.uds).resolve()}"
            ends.enter_context(_announced(folder, where))
        else:
            listener, where = listen(address)
            ends.enter_context(contextlib.closing(listener))
            server = _Server(_public(app, address, files), connected.events.end, listener)
            announced = where
            if hasattr(socket, "AF_UNIX"):
                path = ends.enter_context(place_for_socket(folder))
                owners = ends.enter_context(owners_socket(path))
                beside_it = uvicorn.Config(OwnersSocket(app), lifespan="off", **_settings())
                server.second = _Server(beside_it, lambda: None, owners)
                announced = f"unix:{path.resolve()}"
            ends.enter_context(_announced(folder, announced))
        keep_logs_short()
        asyncio.run(_serve(server, lambda: on_ready(where)))


def _settings() -> dict[str, Any]:
    return {
        "log_level": "warning",
        "access_log": False,
        "timeout_graceful_shutdown": _END_S,
        "ws_max_size": _MOST_MESSAGE_BYTES,
        "proxy_headers": False,
    }


def _public(app: Any, address: DaemonAddress, files: int) -> uvicorn.Config:
    settings = _settings() | {
        "http": limited(Waiting(most_open=min(MOST_OPEN, files // 2))),
        "h11_max_incomplete_event_size": MOST_HEAD_BYTES,
        "backlog": _ACCEPTED_AT_ONCE,
    }
    if address.proxies:
        settings |= {"proxy_headers": True, "forwarded_allow_ips": list(address.proxies)}
    if address.cert:
        settings |= {"ssl_certfile": address.cert, "ssl_keyfile": address.key or None}
    return uvicorn.Config(app, **settings)


class _Server(uvicorn.Server):
    """Ends on a signal as uvicorn does, but does not send it to itself again: we have something to clear up.

    `on_end` is called before it waits for the requests that are still being answered; `second` ends with it.
    """

    def __init__(self, config: uvicorn.Config, on_end: Callable[[], None], listener: socket.socket) -> None:
        super().__init__(config)
        self.second: _Server | None = None
        self._on_end = on_end
        self._listener = listener
        self._beside: asyncio.Task[None] | None = None
        self.ready = False

    async def run_here(self) -> None:
        """Until it ends."""
        loop, create = asyncio.get_running_loop(), asyncio.get_running_loop().create_server
        if self.config.is_ssl:  # who never begins TLS must not wait for ever, either
            loop.create_server = functools.partial(create, ssl_handshake_timeout=HEAD_S)  # type: ignore[method-assign]
        await self.serve(sockets=[self._listener])

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._listener.listen(_BACKLOG)  # asyncio would accept as many at once as may wait
        if self.second is not None and self.started:
            self._beside = asyncio.create_task(self.second.run_here())
            while not self.second.ready and not self._beside.done():
                await asyncio.sleep(0.01)
        self.ready = self.started

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._on_end()
        if self.second is not None and self._beside is not None:
            self.second.should_exit = True
            await self._beside
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        numbers = () if self.config.lifespan == "off" else (signal.SIGINT, signal.SIGTERM)
        previous = {number: signal.signal(number, self.handle_exit) for number in numbers}
        try:
            yield
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)


async def _serve(server: _Server, on_ready: Callable[[], None]) -> None:
    serving = asyncio.create_task(server.run_here())
    while not server.ready and not serving.done():
        await asyncio.sleep(0.01)
    if server.ready:
        on_ready()
    await serving


@contextlib.contextmanager
def _announced(folder: Path, where: str) -> Iterator[None]:
    path, mine = folder / ADDRESS_FILE, {"address": where, "pid": os.getpid()}
    write_atomically(path, json.dumps(mine).encode(), private=True)
    try:
        yield
    finally:
        with contextlib.suppress(OSError, ValueError):
            if json.loads(path.read_text(encoding="utf-8")) == mine:
                path.unlink()
