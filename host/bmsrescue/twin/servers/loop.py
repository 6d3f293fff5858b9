"""One thread, any number of TCP clients, one virtual clock: the loop under the twin's servers.

A client is a `Session` that turns received bytes into answer bytes. A client that does not read its answers is not read
from either until it does, so neither memory nor the loop can be taken by one of them.
"""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Callable
from typing import Protocol

from bmsrescue.twin.clock import VirtualClock

_RECEIVE_BYTES = 1 << 16
_WALL_STEP_S = 0.02  # how often the unit lives on while nobody talks to it (wall time only)


class Session(Protocol):
    """One client's conversation."""

    finished: bool
    """Set by the session when the client has said goodbye: answers are sent, then the connection is closed."""

    def receive(self, data: bytes) -> bytes:
        """Act on what arrived and return what is to be sent back."""

    def hung_up(self) -> None:
        """The connection is gone, for whatever reason."""


class _Connection:
    def __init__(self, sock: socket.socket, session: Session) -> None:
        self.sock = sock
        self.session = session
        self.unsent = b""


class Loop:
    """Serves the sessions of all listeners until `stop` is called.

    clock: moved by the wall time that the loop spends waiting for clients; None leaves time to the sessions.
    """

    def __init__(self, clock: VirtualClock | None) -> None:
        self._clock = clock
        self._selector = selectors.DefaultSelector()
        self._wake_receiver, self._wake_sender = socket.socketpair()
        for end in (self._wake_receiver, self._wake_sender):
            end.setblocking(False)
        self._selector.register(self._wake_receiver, selectors.EVENT_READ)
        self._stopping = False

    def listen(self, host: str, port: int, make_session: Callable[[], Session | None]) -> int:
        """Accept clients on `host`:`port` (0 takes a free port) and return the port.

        make_session: called for each new client; None turns the client away.

        Raises:
            OSError: the address cannot be had.
        """
        listener = socket.create_server((host, port))
        listener.setblocking(False)
        self._selector.register(listener, selectors.EVENT_READ, make_session)
        return int(listener.getsockname()[1])

    def stop(self) -> None:
        """End `run` soon. May be called from a signal handler or another thread."""
        self._stopping = True
        try:
            self._wake_sender.send(b"!")
        except (BlockingIOError, OSError):
            return  # it has been woken often enough, or is closed already

    def run(self) -> None:
        """Serve until `stop`; every socket is closed when this returns."""
        try:
            while not self._stopping:
                self._serve(self._wait())
        finally:
            self.close()

    def _wait(self) -> list[tuple[selectors.SelectorKey, int]]:
        if self._clock is None:
            return self._selector.select()
        began_ns = time.monotonic_ns()
        ready = self._selector.select(_WALL_STEP_S)
        self._clock.advance(time.monotonic_ns() - began_ns)
        return ready

    def _serve(self, ready: list[tuple[selectors.SelectorKey, int]]) -> None:
        for key, events in ready:
            if isinstance(key.data, _Connection):
                if events & selectors.EVENT_WRITE:
                    self._send(key.data, b"")
                elif events & selectors.EVENT_READ:
                    self._receive(key.data)
            elif callable(key.data) and isinstance(key.fileobj, socket.socket):
                self._accept(key.fileobj, key.data)

    def _accept(self, listener: socket.socket, make_session: Callable[[], Session | None]) -> None:
        try:
            sock, _ = listener.accept()
        except OSError:
            return  # the client was gone before it was served
        session = make_session()
        if session is None:
            sock.close()
            return
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._selector.register(sock, selectors.EVENT_READ, _Connection(sock, session))

    def _receive(self, connection: _Connection) -> None:
        try:
            data = connection.sock.recv(_RECEIVE_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._drop(connection)
            return
        self._send(connection, connection.session.receive(data))

    def _send(self, connection: _Connection, data: bytes) -> None:
        unsent = connection.unsent + data
        try:
            while unsent:
                unsent = unsent[connection.sock.send(unsent) :]
        except BlockingIOError:
            pass
        except OSError:
            self._drop(connection)
            return
        if bool(unsent) != bool(connection.unsent):
            wanted = selectors.EVENT_WRITE if unsent else selectors.EVENT_READ
            self._selector.modify(connection.sock, wanted, connection)
        connection.unsent = unsent
        if connection.session.finished and not unsent:
            self._drop(connection)

    def _drop(self, connection: _Connection) -> None:
        self._selector.unregister(connection.sock)
        connection.sock.close()
        connection.session.hung_up()

    def close(self) -> None:
        """Close every socket; `run` does so by itself."""
        for key in list(self._selector.get_map().values()):
            if isinstance(key.data, _Connection):
                self._drop(key.data)
            elif isinstance(key.fileobj, socket.socket):
                self._selector.unregister(key.fileobj)
                key.fileobj.close()
        self._selector.close()
        self._wake_sender.close()
