"""The host's end of the emulated Pico's USB serial port.

The emulator's own end answers every empty read of the firmware at once, so that the firmware never sleeps. Here a read
waits until there is something to give.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from rp2040py.peripherals.usb import RPUSBController
from rp2040py.usb.cdc import USBCDC

_PACKET_BYTES = 64


class UsbSerial:
    """`write` from the host; `on_data` gets what the board sends."""

    def __init__(self, cdc: USBCDC, on_data: Callable[[bytes], None]) -> None:
        self._cdc = cdc
        self._usb = cdc.usb
        self._waiting: deque[int] = deque()
        self._pending: tuple[int, int] | None = None
        self._answer_control = self._usb.on_endpoint_read
        self._forget = self._usb.on_reset
        self._usb.on_endpoint_read = self._asked
        self._usb.on_reset = self._was_reset
        cdc.on_serial_data = lambda data: on_data(bytes(data))

    def write(self, data: bytes) -> None:
        """Bytes for the board; only from the thread that runs it."""
        self._waiting.extend(data)
        if self._pending and self._waiting:
            endpoint, size = self._pending
            self._pending = None
            self._give(endpoint, size)

    @property
    def controller(self) -> RPUSBController:
        """The emulator's, for what else the board has on USB."""
        return self._usb

    @property
    def out_endpoint(self) -> int:
        """Where the board takes its bytes; -1 before a host has found it."""
        return self._cdc._out_endpoint

    @property
    def configuration(self) -> list[int]:
        """The board's configuration descriptor, all of it."""
        return self._cdc._descriptors

    @property
    def unread(self) -> int:
        """Bytes that the board has not taken yet."""
        return len(self._waiting)

    def _asked(self, endpoint: int, size: int) -> None:
        if endpoint == 0 or endpoint != self._cdc._out_endpoint:
            if self._answer_control:
                self._answer_control(endpoint, size)
        elif self._waiting:
            self._give(endpoint, size)
        else:
            self._pending = (endpoint, size)

    def _give(self, endpoint: int, size: int) -> None:
        count = min(size, len(self._waiting), _PACKET_BYTES)
        self._usb.endpoint_read_done(endpoint, bytes(self._waiting.popleft() for _ in range(count)))

    def _was_reset(self) -> None:
        self._pending = None
        self._waiting.clear()
        if self._forget:
            self._forget()
