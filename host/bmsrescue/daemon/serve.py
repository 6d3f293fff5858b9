"""Runs the daemon: one socket, one event loop, and a small file that tells the command line where to ask."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import uvicorn

from bmsrescue.card.storage import write_atomically
from bmsrescue.client.finding import Found, find_helpers
from bmsrescue.config import Config, DaemonAddress
from bmsrescue.daemon.api import Beside, create_app
from bmsrescue.daemon.helpers import Helpers
from bmsrescue.door.names import LOOPBACK_NAMES
from bmsrescue.errors import UsageError

ADDRESS_FILE = "daemon.json"
_END_S = 3


def serve(
    config: Config,
    urls: tuple[str, ...],
    address: DaemonAddress,
    folder: Path,
    on_ready: Callable[[str], None],
    more: Callable[[], list[Found]] = list,
    beside: Beside | None = None,
) -> None:
    """Serve until SIGINT or SIGTERM. `on_ready` is told the address once clients may connect.

    `more`: helpers besides those that are found; `beside`: what else is served.

    Raises:
        UsageError: the address cannot be had.
        HostError: the data folder cannot be written.
    """
    connected = Helpers(lambda: find_helpers(config, urls) + more(), folder)
    hosts = LOOPBACK_NAMES if address.uds or address.host in LOOPBACK_NAMES else None
    listener, where = _listen(address)
    # A Unix socket's clients have to put something into Host; httpx and websockets put "localhost".
    app = create_app(connected, hosts, beside)
    server_config = uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=_END_S)
    server = _Server(server_config, connected.events.end)
    with contextlib.closing(listener), _announced(folder, where):
        asyncio.run(_serve(server, listener, lambda: on_ready(where)))
    if address.uds:
        Path(address.uds).unlink(missing_ok=True)


class _Server(uvicorn.Server):
    """Ends on a signal as uvicorn does, but does not send it to itself again: we have something to clear up.

    `on_end` is called before it waits for the requests that are still being answered.
    """

    def __init__(self, config: uvicorn.Config, on_end: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_end = on_end

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._on_end()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        numbers = (signal.SIGINT, signal.SIGTERM)
        previous = {number: signal.signal(number, self.handle_exit) for number in numbers}
        try:
            yield
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)


async def _serve(server: uvicorn.Server, listener: socket.socket, on_ready: Callable[[], None]) -> None:
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started and not serving.done():
        await asyncio.sleep(0.01)
    if server.started:
        on_ready()
    await serving


def _listen(address: DaemonAddress) -> tuple[socket.socket, str]:
    try:
        if address.uds:
            return _listen_uds(Path(address.uds))
        family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
        listener = socket.create_server((address.host, address.port), family=family)
        # Inherited by every connection: else each answer waits 40 ms for the client's acknowledgement of its head.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        host = f"[{address.host}]" if family == socket.AF_INET6 else address.host
        return listener, f"http://{host}:{listener.getsockname()[1]}"
    except OSError as error:
        place = address.uds or f"{address.host}:{address.port}"
        raise UsageError(
            f"cannot listen on {place}: {error.strerror}", "Is it running already? Else --port."
        ) from error


def _listen_uds(path: Path) -> tuple[socket.socket, str]:
    if path.exists() and stat.S_ISSOCK(path.stat().st_mode):
        with socket.socket(socket.AF_UNIX) as probe:
            if probe.connect_ex(str(path)) == 0:
                raise UsageError(f"a daemon already listens on {path}", "Use it, or end it first.")
        path.unlink()  # left by one that was killed
    listener = socket.socket(socket.AF_UNIX)
    previous = os.umask(0o177)  # nobody but its owner may connect
    try:
        listener.bind(str(path))
    finally:
        os.umask(previous)
    listener.listen()
    return listener, f"unix:{path.resolve()}"


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
