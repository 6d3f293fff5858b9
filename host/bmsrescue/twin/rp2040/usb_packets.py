"""The host's end of the two endpoints that a helper's CMSIS-DAP interface has beside its serial port.

The emulated Pico runs while an answer is awaited, and where the host has slept: one that takes no time between packets.
"""

from __future__ import annotations

import threading
from collections import deque
from time import monotonic
from typing import Any

from bmsrescue.twin.rp2040.pico import EmulatedPico

_ENDPOINT_DESCRIPTOR = 5
_WAIT_S = 600.0
_SLEEP_S, _MOST_SLEEP_S = 0.01, 0.1  # a host that was away for so long has slept; what passes of it on the board


class UsbPackets:
    """packet_us: what a packet takes on the wire; a full-speed bulk one of 64 bytes has some 50 (USB 2.0, 5.8.4)."""

    def __init__(self, pico: EmulatedPico, packet_us: int = 50) -> None:
        self._pico = pico
        self._usb: Any = pico.usb.controller
        self._usb.read_delay_microseconds = self._usb.write_delay_microseconds = packet_us
        self._endpoint = -1
        self._to_board: deque[bytes] = deque()
        self._from_board: deque[bytes] = deque()
        self._listening = False
        self._answered_s = monotonic()
        self._lock = threading.RLock()
        self._asked, self._written = self._usb.on_endpoint_read, self._usb.on_endpoint_write
        self._usb.on_endpoint_read = self._on_read
        self._usb.on_endpoint_write = self._on_write

    def find(self, configuration: bytes | list[int]) -> None:
        """The last two endpoints of a configuration descriptor, which have one number."""
        at, found = 0, []
        while at < len(configuration):
            if configuration[at + 1] == _ENDPOINT_DESCRIPTOR:
                found.append(configuration[at + 2])
            at += configuration[at]
        if len(found) < 2 or found[-1] != found[-2] | 0x80:
            raise ValueError(f"no pair of endpoints at the end of {found}")
        self._endpoint = found[-2]
        self._give()

    def send(self, packet: bytes) -> None:
        with self._lock:
            idle_s = min(monotonic() - self._answered_s, _MOST_SLEEP_S)
            if idle_s >= _SLEEP_S and not self._to_board:
                self._pico.run_until(lambda: False, idle_s, _WAIT_S)
            self._to_board.append(packet)
            self._give()

    def receive(self, timeout_s: float = 5.0) -> bytes:
        """The next answer; the board runs meanwhile. Raises TimeoutError: none in so many seconds of its time."""
        with self._lock:
            self._pico.run_until(lambda: bool(self._from_board), timeout_s, _WAIT_S)
            if not self._from_board:
                raise TimeoutError("the helper does not answer")
            self._answered_s = monotonic()
            return self._from_board.popleft()

    def _give(self) -> None:
        if self._listening and self._to_board:
            self._listening = False
            self._usb.endpoint_read_done(self._endpoint, self._to_board.popleft())

    def _on_read(self, endpoint: int, size: int) -> None:
        if endpoint == self._endpoint or (self._endpoint < 0 and endpoint > self._pico.usb.out_endpoint > 0):
            self._listening = True
            self._give()
        elif self._asked:
            self._asked(endpoint, size)

    def _on_write(self, endpoint: int, data: bytes | bytearray) -> None:
        if endpoint == self._endpoint:
            self._from_board.append(bytes(data))
        elif self._written:
            self._written(endpoint, data)
