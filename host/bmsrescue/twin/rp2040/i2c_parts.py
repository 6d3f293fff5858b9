"""What hangs on the helper's I2C bus: the SSD1306 display and the INA226 current monitor, as their data sheets say."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Final, Protocol

_WIDTH: Final = 128
_PAGES: Final = 8
_COMMAND: Final = 0x80
_DATA: Final = 0x40
# Commands that take further bytes (SSD1306 data sheet, table 9).
_ARGUMENTS: Final = {0x20: 1, 0x21: 2, 0x22: 2, 0x81: 1, 0x8D: 1, 0xA8: 1, 0xD3: 1, 0xD5: 1, 0xD9: 1, 0xDA: 1, 0xDB: 1}
_COLUMNS: Final = 0x21
_PAGE_RANGE: Final = 0x22
_OFF: Final = 0xAE
_ON: Final = 0xAF

_SHUNT_VOLTAGE: Final = 0x01
_SHUNT_NV_PER_BIT: Final = 2500


class I2cPart(Protocol):
    """A device on the bus; it acknowledges its address."""

    def write(self, data: bytes) -> None:
        """One transfer from START to STOP or repeated START."""

    def read(self, count: int) -> bytes:
        """`count` bytes to the host."""


class Ssd1306:
    """128x64 pixels, horizontal addressing; `on_frame` gets each whole picture (MONO_VLSB) while it is switched on."""

    def __init__(self, on_frame: Callable[[bytes], None]) -> None:
        self._on_frame = on_frame
        self.memory = bytearray(_WIDTH * _PAGES)
        self.is_on = False
        self._columns = (0, _WIDTH - 1)
        self._pages = (0, _PAGES - 1)
        self._column = self._page = 0
        self._command = bytearray()

    def write(self, data: bytes) -> None:
        if not data:
            return
        if data[0] == _DATA:
            for byte in data[1:]:
                self._store(byte)
            return
        for control, byte in zip(data[::2], data[1::2], strict=False):
            if control == _COMMAND:
                self._take(byte)

    def read(self, count: int) -> bytes:
        return bytes(count)

    def _take(self, byte: int) -> None:
        self._command.append(byte)
        code = self._command[0]
        if len(self._command) <= _ARGUMENTS.get(code, 0):
            return
        first, last = (*self._command[1:], 0, 0)[:2]
        if code == _COLUMNS:
            self._columns, self._column = (first, last), first
        elif code == _PAGE_RANGE:
            self._pages, self._page = (first, last), first
        elif code in (_ON, _OFF):
            self.is_on = code == _ON
        self._command.clear()

    def _store(self, byte: int) -> None:
        self.memory[self._page * _WIDTH + self._column] = byte
        self._column += 1
        if self._column > self._columns[1]:
            self._column = self._columns[0]
            self._page += 1
            if self._page > self._pages[1]:
                self._page = self._pages[0]
                if self.is_on:
                    self._on_frame(bytes(self.memory))


class Ina226:
    """The shunt voltage register; the others read 0."""

    def __init__(self, shunt_mohm: int, current_ma: Callable[[], int]) -> None:
        self._shunt_mohm = shunt_mohm
        self._current_ma = current_ma
        self._register = 0

    def write(self, data: bytes) -> None:
        if data:
            self._register = data[0]

    def read(self, count: int) -> bytes:
        value = 0
        if self._register == _SHUNT_VOLTAGE:
            value = self._current_ma() * self._shunt_mohm * 1000 // _SHUNT_NV_PER_BIT
        return struct.pack(">h", max(min(value, 0x7FFF), -0x8000))[:count].ljust(count, b"\0")
