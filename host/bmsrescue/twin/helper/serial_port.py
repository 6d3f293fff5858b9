"""The helper's USB serial port on the twin: a pty, or a TCP port, whose other end the MicroPython child has."""

import contextlib
import os
import select
import socket
import threading
from types import TracebackType
from typing import Self

_LOOPBACK = "127.0.0.1"
_PIECE_BYTES = 65536


class PtyPort:
    """`url` is what a client opens; `fd` is the child's end, non-blocking.

    One descriptor of the client's end is kept open here, so that the port, like a real one, stays when a client closes
    it, and a client that comes later finds what was written meanwhile.
    """

    def __init__(self) -> None:
        import pty  # Windows has neither: there the TCP port serves
        import tty

        self.fd, self._client_end = pty.openpty()
        tty.setraw(self._client_end)
        os.set_blocking(self.fd, False)
        self.url = os.ttyname(self._client_end)

    def close(self) -> None:
        """The port vanishes: clients get an error."""
        os.close(self.fd)
        os.close(self._client_end)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class TcpPort:
    """The same as a TCP port on loopback, for one client at a time; another one is hung up on meanwhile.

    The child's end is a socket pair, so that it stays while clients come and go.

    Raises:
        OSError: the port cannot be had.
    """

    def __init__(self, port: int = 0) -> None:
        self._listener = socket.create_server((_LOOPBACK, port))
        self.url = f"socket://{_LOOPBACK}:{self._listener.getsockname()[1]}"
        self._ours, self._childs = socket.socketpair()
        self._childs.setblocking(False)
        self.fd = self._childs.fileno()
        self._thread = threading.Thread(target=self._serve, name="tcp port", daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                client, _address = self._listener.accept()
            except OSError:
                return  # closed
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with client, contextlib.suppress(OSError):  # the client has gone in the middle of something
                if not self._carry(client):
                    return

    def _carry(self, client: socket.socket) -> bool:
        """Pass bytes both ways until one side ends; False when that is ours."""
        to = {client: self._ours, self._ours: client}
        while True:
            # The listener is last: when one client has just gone, the next one is not taken for a second one.
            for source in select.select([*to, self._listener], [], [])[0]:
                if source is self._listener:
                    self._listener.accept()[0].close()
                    continue
                data = source.recv(_PIECE_BYTES)
                if not data:
                    return source is client
                to[source].sendall(data)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._childs.close()
        self._ours.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._ours.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
