"""A TCP connection to somebody's simulated bench: every wait has a limit, every failure says what to do next."""

from __future__ import annotations

import selectors
import socket

from rescuelink.errors import RescueError

_RECEIVE_BYTES = 1 << 16


class ServerLinkError(RescueError):
    """The connection to a bench server. Kinds: "unreachable", "closed", "timeout", "protocol", "refused"."""


class ClientSocket:
    """Sends and receives at the same time, so that two full buffers cannot wait for each other.

    timeout_s: the longest silence (no byte taken, none arriving) that is put up with.

    Raises:
        ServerLinkError: "unreachable" when nobody listens there.
    """

    def __init__(self, host: str, port: int, *, timeout_s: float, purpose: str) -> None:
        self._where = f"{purpose} {host}:{port}"
        self._timeout_s = timeout_s
        try:
            self._sock = socket.create_connection((host, port), timeout_s)
        except OSError as error:
            raise ServerLinkError(
                "unreachable",
                f"cannot connect to {self._where} ({error})",
                next_step="start the server, or correct host and port",
            ) from error
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._sock.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._sock, selectors.EVENT_READ)
        self._waits_to_send = False
        self._open = True

    def close(self) -> None:
        """Hang up; may be called again."""
        if self._open:
            self._open = False
            self._selector.close()
            self._sock.close()

    def exchange(self, data: bytes, answer_bytes: int) -> bytes:
        """Send `data` and return the `answer_bytes` bytes that come back for it.

        Raises:
            ServerLinkError: "timeout", "closed", or "protocol" for more answer than there was question.
        """
        unsent = memoryview(data)
        answer = bytearray()
        while True:
            unsent = unsent[self._send(unsent) :]
            if not unsent and len(answer) >= answer_bytes:
                break
            self._wait(bool(unsent))
            answer += self._receive()
        if len(answer) > answer_bytes:
            raise ServerLinkError("protocol", f"{self._where} answers more than it was asked", next_step=_CHECK_SERVER)
        return bytes(answer)

    def ask_line(self, line: bytes, max_bytes: int) -> bytes:
        """Send a line (without its end) and return the line it is answered with (without its end)."""
        unsent = memoryview(line + b"\n")
        answer = bytearray()
        while unsent or not answer.endswith(b"\n"):
            if len(answer) > max_bytes:
                raise ServerLinkError("protocol", f"{self._where} sends an endless line", next_step=_CHECK_SERVER)
            unsent = unsent[self._send(unsent) :]
            self._wait(bool(unsent))
            answer += self._receive()
        return bytes(answer[:-1])

    def _wait(self, to_send: bool) -> None:
        if to_send != self._waits_to_send:
            self._waits_to_send = to_send
            self._selector.modify(self._sock, selectors.EVENT_READ | (selectors.EVENT_WRITE if to_send else 0))
        if not self._selector.select(self._timeout_s):
            raise ServerLinkError(
                "timeout",
                f"{self._where} has been silent for {self._timeout_s:g} s",
                next_step="check that the server still runs and knows these commands",
            )

    def _send(self, data: memoryview) -> int:
        if not data:
            return 0
        try:
            return self._sock.send(data)
        except BlockingIOError:
            return 0
        except OSError as error:
            raise self._closed() from error

    def _receive(self) -> bytes:
        try:
            data = self._sock.recv(_RECEIVE_BYTES)
        except BlockingIOError:
            return b""
        except OSError as error:
            raise self._closed() from error
        if not data:
            raise self._closed()
        return data

    def _closed(self) -> ServerLinkError:
        return ServerLinkError(
            "closed", f"{self._where} hung up", next_step="see the server's own messages, start it again"
        )


_CHECK_SERVER = "check that the port is the right one and speaks this protocol"
