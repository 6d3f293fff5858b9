"""A client of the link, written from docs/protocol.md alone: msgpack and pyserial, and nothing of ours."""

from __future__ import annotations

import itertools
import secrets
import time
import zlib
from typing import Any

import msgpack
import serial

SYNC = b"\xf5\xb3"
HEAD_BYTES, TAIL_BYTES = 5, 4
VERSION = 1
WINDOW_BYTES = 2048
RESEND_S, PATIENCE_S = 0.5, 60.0
CTRL_C = 0x03  # must not stand in a hello


class AgentError(Exception):
    """The map that an answer carries as its error."""


def frame(message: object) -> bytes:
    body = msgpack.packb(message)
    length = len(body).to_bytes(2, "little")
    checked = length + bytes([length[0] ^ length[1] ^ 0x5A]) + body
    return SYNC + checked + zlib.crc32(checked).to_bytes(4, "little")


class TinyClient:
    def __init__(self, url: str) -> None:
        self._port = serial.serial_for_url(url, timeout=0.05)
        self._came = b""
        self._ids = itertools.count(secrets.randbits(29))
        self.events: list[tuple[str, Any]] = []
        self.about: Any = None

    def hello(self, name: str) -> None:
        while CTRL_C in frame([0, (number := next(self._ids)), "hello", [VERSION, name]]):
            pass
        self.about = self._ask(number, "hello", [VERSION, name])

    def call(self, method: str, *params: object) -> Any:
        """The result; one that was parked as its JSON text."""
        result = self._ask(next(self._ids), method, list(params))
        if isinstance(result, dict) and result.keys() == {"parked"}:
            parts = [self.call("result", at) for at in range(0, result["parked"], WINDOW_BYTES)]
            return b"".join(parts)
        return result

    def notify(self, method: str, *params: object) -> None:
        self._port.write(frame([2, method, list(params)]))

    def beat(self) -> None:
        self.notify("beat")

    def bye(self) -> None:
        self._port.write(frame([2, "bye", []]))
        self._port.close()

    def _ask(self, number: int, method: str, params: list[object]) -> Any:
        request = frame([0, number, method, params])
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            self._port.write(request)
            again = time.monotonic() + RESEND_S
            while time.monotonic() < again:
                for message in self.messages():
                    if message[0] == 1 and message[1] == number:
                        if message[2] is not None:
                            raise AgentError(message[2])
                        return message[3]
        raise TimeoutError(method)

    def messages(self) -> list[Any]:
        """What has come by now; events are kept aside."""
        self._came += self._port.read(max(1, self._port.in_waiting))
        answers = []
        while (at := self._came.find(SYNC)) >= 0:
            length = int.from_bytes(self._came[at + 2 : at + 4], "little")
            end = at + HEAD_BYTES + length + TAIL_BYTES
            if len(self._came) < at + HEAD_BYTES:
                break
            sound = self._came[at + 4] == self._came[at + 2] ^ self._came[at + 3] ^ 0x5A
            if sound and len(self._came) < end:
                break
            checked, crc = self._came[at + 2 : end - TAIL_BYTES], self._came[end - TAIL_BYTES : end]
            if sound and zlib.crc32(checked).to_bytes(4, "little") == crc:
                message = msgpack.unpackb(checked[3:], strict_map_key=False)
                self._came = self._came[end:]
                if message[0] == 2:
                    self.events.append((message[1], message[2]))
                    if message[1] == "alive":
                        self.beat()
                else:
                    answers.append(message)
            else:
                self._came = self._came[at + 2 :]
        return answers
