"""The flash array as the bus sees it: reads with ECC and protection, writes into the controller's buffer."""

from __future__ import annotations

from bmsrescue.twin.chip.bus import BusError
from bmsrescue.twin.chip.config import ChipConfig
from bmsrescue.twin.chip.flash.array import PROGRAMMED, TORN, FlashArray
from bmsrescue.twin.chip.flash.controller import FlashController


class FlashMemory:
    """Bus device over ``FlashArray``."""

    __slots__ = ("_array", "_base", "_controller", "_data", "_faults", "_state", "_word_size")

    def __init__(self, array: FlashArray, controller: FlashController, config: ChipConfig) -> None:
        self._array = array
        self._controller = controller
        self._faults = config.torn_word_faults
        self._data = array.data
        self._state = array.state
        self._base = array.geometry.base
        self._word_size = array.geometry.word_size

    def read(self, address: int, size: int) -> int:
        controller = self._controller
        if controller.reads_blocked and controller.check_read(address):
            return 0
        offset = address - self._base
        state = self._state[offset // self._word_size]
        if state > PROGRAMMED:
            double = state == TORN
            controller.ecc_error(offset // self._word_size, double=double)
            if double and self._faults:
                raise BusError(address, "double ECC error")
        return int.from_bytes(self._data[offset : offset + size], "little")

    def read_run(self, address: int, size: int) -> bytes:
        """The bytes up to the first word that has something to say; empty while reads are blocked."""
        if self._controller.reads_blocked:
            return b""
        offset = address - self._base
        word_size = self._word_size
        first = offset // word_size
        for index, state in enumerate(self._state[first : (offset + size - 1) // word_size + 1]):
            if state > PROGRAMMED:
                size = max(0, (first + index) * word_size - offset)
                break
        return bytes(self._data[offset : offset + size])

    def write(self, address: int, size: int, value: int) -> None:
        self._controller.buffer_write(address, size, value)
