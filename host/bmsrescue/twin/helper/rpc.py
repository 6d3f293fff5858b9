"""The twin's side of the calls that the MicroPython child makes: one request, one answer, over a socket.

The format and the opcodes are in `micropython/twin_opcodes.py`, which both sides import.
"""

import socket
import struct
from collections.abc import Callable, Mapping
from time import monotonic
from typing import Protocol

from bmsrescue.twin.helper.micropython import twin_opcodes as op
from rescuelink.errors import WireError

# What a call answers: a number, or a payload.
Reply = int | bytes | bytearray | memoryview
# (small, number, wide, payload) as in the opcode table.
Handler = Callable[[int, int, int, bytes], Reply]

_TRANSFERS = frozenset({op.WIRE_READ, op.WIRE_WRITE, op.WIRE_READ_BLOCK, op.WIRE_WRITE_BLOCK})
_RECEIVE_TIMEOUT_S = 1
_RECEIVE_BYTES = 1 << 16
_REQUESTS_BETWEEN_CLOCK_READS = 512


class LookedAt(Protocol):
    """The clock and the watchdog, at which the child has looked since its last request."""

    def looked(self, looks: int, fed: int) -> None:
        """`fed`: one more than the looks before the watchdog was fed; 0: it was not."""

    def now_us(self) -> int:
        """Virtual time since start."""


class Refused(Exception):
    """The twin does not do what was asked: shown to the agent as a tool error, not as a fault of the unit."""


class CtrlC(Exception):
    """Somebody sends Ctrl-C to the board's interpreter in this call."""


class BlockCut(Exception):
    """A block read that failed: `error`, and the words before it, which the agent gets as a wire of its own would."""

    def __init__(self, error: WireError, good: bytes) -> None:
        super().__init__(error.message)
        self.error = error
        self.good = good


class TimeExpired(Exception):
    """The child outlived its wall-clock limit."""


class RpcServer:
    """Answers the child's calls until it hangs up."""

    def __init__(
        self,
        connection: socket.socket,
        handlers: Mapping[int, Handler],
        limit_s: float,
        time: LookedAt,
        is_certain: Callable[[], bool] = lambda: False,
    ) -> None:
        """`is_certain`: asked after a transfer, whether a write that follows at once cannot fail."""
        self._connection = connection
        self._handlers: list[Handler | None] = [handlers.get(opcode) for opcode in range(256)]
        self._deadline = monotonic() + limit_s
        self._time = time
        self._is_certain = is_certain
        self.calls = 0
        self.posted = 0
        """How many of them the child did not wait for."""
        # The child blocks on every call, so a silence means that it computes: look at the deadline now and then.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", _RECEIVE_TIMEOUT_S, 0))

    def serve(self) -> None:
        """Return when the child has closed its end.

        Raises:
            TimeExpired: the wall-clock limit has passed.
            Exception: whatever the twin itself raised, other than wire and system errors, `Refused` and `CtrlC`.
        """
        unpack, pack = struct.Struct(op.REQUEST).unpack_from, struct.Struct(op.ANSWER).pack
        handlers, send, now_us, looked = self._handlers, self._connection.sendall, self._time.now_us, self._time.looked
        is_certain = self._is_certain
        received, at = b"", 0
        while True:
            if len(received) - at < op.REQUEST_BYTES:
                received, at = self._receive(received[at:], op.REQUEST_BYTES), 0
                if len(received) < op.REQUEST_BYTES:
                    return
            opcode, small, looks, fed, length, number, wide = unpack(received, at)
            at += op.REQUEST_BYTES
            payload = b""
            if length:
                if len(received) - at < length:
                    received, at = self._receive(received[at:], length), 0
                    if len(received) < length:
                        return
                payload = received[at : at + length]
                at += length
            self.calls += 1
            if self.calls % _REQUESTS_BETWEEN_CLOCK_READS == 0:
                self._check_deadline()
            handler = handlers[opcode]
            status, value, data = op.OK, 0, b""
            try:
                if looks or fed:
                    looked(looks, fed)
                if handler is None:
                    raise Refused(f"unknown call {opcode}")
                reply = handler(small, number, wide, payload)
                if isinstance(reply, int):
                    value = reply
                else:
                    data = bytes(reply)
                if opcode == op.WIRE_POST:
                    self.posted += 1
                    continue
                if opcode in _TRANSFERS and is_certain():
                    status = op.CERTAIN
            except WireError as error:
                if opcode == op.WIRE_POST:
                    raise RuntimeError(f"a write that was certain to succeed has failed: {error.message}") from error
                status, value, data = _wire_error(error)
            except BlockCut as cut:
                status, value, data = _wire_error(cut.error, cut.good)
            except OSError as error:
                status, value = op.OS, error.errno or 5
            except CtrlC:
                status = op.CTRL_C
            except Refused as error:
                status, data = op.REFUSED, str(error).encode()
            try:
                send(pack(status, len(data), value, now_us()) + data)
            except (BrokenPipeError, ConnectionResetError):
                return

    def _receive(self, received: bytes, count: int) -> bytes:
        """What has been received, and what comes after it, until that is `count` bytes or more; fewer when the child
        has hung up."""
        while len(received) < count:
            try:
                part = self._connection.recv(_RECEIVE_BYTES)
            except BlockingIOError:
                self._check_deadline()
                continue
            except ConnectionResetError:
                return b""
            if not part:
                return b""
            received = received + part if received else part
        return received

    def _check_deadline(self) -> None:
        if monotonic() > self._deadline:
            raise TimeExpired


def _wire_error(error: WireError, good: bytes = b"") -> tuple[int, int, bytes]:
    address = op.NOTHING if error.address is None else error.address
    return op.WIRE, address, f"{error.kind}\n{error.done}\n{error.message}\n".encode() + good
