"""Where the daemon listens: a TCP port, and the owner's Unix socket."""

import contextlib
import os
import socket
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bmsrescue.config import DaemonAddress
from bmsrescue.errors import UsageError

OWNERS_SOCKET = "daemon.sock"
_LONGEST_SOCKET = 100  # a Unix socket's path has at most 107 bytes


def listen(address: DaemonAddress) -> tuple[socket.socket, str]:
    """The port, and its URL. Raises UsageError."""
    try:
        family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
        listener = socket.create_server((address.host, address.port), family=family)
        # Inherited by every connection: else each answer waits 40 ms for the client's acknowledgement of its head.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        host = f"[{address.host}]" if family == socket.AF_INET6 else address.host
        return listener, f"{'https' if address.cert else 'http'}://{host}:{listener.getsockname()[1]}"
    except OSError as error:
        raise UsageError(
            f"cannot listen on {address.host}:{address.port}: {error.strerror}", "Is it running already? Else --port."
        ) from error


@contextlib.contextmanager
def owners_socket(path: Path) -> Iterator[socket.socket]:
    """Nobody but its owner may connect. Raises UsageError."""
    try:
        if path.exists() and stat.S_ISSOCK(path.stat().st_mode):
            with socket.socket(socket.AF_UNIX) as probe:
                if probe.connect_ex(str(path)) == 0:
                    raise UsageError(f"a daemon already listens on {path}", "Use it, or end it first.")
            path.unlink()  # left by one that was killed
        listener = socket.socket(socket.AF_UNIX)
        previous = os.umask(0o177)
        try:
            listener.bind(str(path))
        finally:
            os.umask(previous)
    except OSError as error:
        raise UsageError(f"cannot listen on {path}: {error.strerror or error}", "Choose another path.") from error
    listener.listen()
    try:
        with listener:
            yield listener
    finally:
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def place_for_socket(folder: Path) -> Iterator[Path]:
    """In the data folder, or where its path would be too long for a socket, in a folder of its own."""
    path = folder / OWNERS_SOCKET
    if len(os.fsencode(path.resolve())) <= _LONGEST_SOCKET:
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="bmsrescue-") as place:  # made with mode 0700
        yield Path(place) / OWNERS_SOCKET
