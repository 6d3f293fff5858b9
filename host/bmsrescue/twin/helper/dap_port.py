"""A debugger's packets to the agent on the twin, each a datagram: what a helper's CMSIS-DAP interface is on USB."""

from __future__ import annotations

import select
import socket
from types import TracebackType
from typing import Self

PACKET_BYTES = 64


class DapPort:
    """`fd` is the child's end. Nothing is kept for a helper that does not read: a full socket refuses."""

    def __init__(self) -> None:
        self._ours, self._theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.fd = self._theirs.fileno()

    def send(self, packet: bytes, timeout_s: float = 10.0) -> None:
        """Raises TimeoutError: the helper takes nothing."""
        self._ours.settimeout(timeout_s)
        # The child's readinto() waits until its buffer is full: all are of one size, the length in front.
        self._ours.send(bytes([len(packet)]) + packet.ljust(PACKET_BYTES, b"\0"))

    def receive(self, timeout_s: float = 10.0) -> bytes:
        """The next answer. Raises TimeoutError: none came."""
        if not select.select([self._ours], [], [], timeout_s)[0]:
            raise TimeoutError("the helper does not answer")
        return self._ours.recv(PACKET_BYTES)

    def hang_up(self) -> None:
        """The debugger's host is gone."""
        self._ours.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._ours.close()
        self._theirs.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
