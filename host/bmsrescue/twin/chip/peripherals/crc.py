"""The CRC calculation unit (RM0433 chapter 21): any polynomial of 7, 8, 16 or 32 bits, reflected or not."""

from __future__ import annotations

from typing import Final

from .register_block import RegisterBlock

DR: Final = 0x00
IDR: Final = 0x04
CR: Final = 0x08
INIT: Final = 0x10
POL: Final = 0x14

RESET: Final = 1 << 0
REV_OUT: Final = 1 << 7
_POLYSIZE_SHIFT: Final = 3
_REV_IN_SHIFT: Final = 5
_WIDTHS: Final = (32, 16, 8, 7)
_CR_WRITABLE: Final = 0xF8
_ONES: Final = 0xFFFFFFFF
_POL_RESET: Final = 0x04C11DB7


class CrcUnit(RegisterBlock):
    """A word, halfword or byte that is written to DR is taken into the sum, its most significant bit first."""

    def __init__(self, base: int) -> None:
        super().__init__(base)
        self.reset()

    def reset(self) -> None:
        self._registers = {IDR: 0, CR: 0, INIT: _ONES, POL: _POL_RESET}
        self._sum = _ONES

    def read_word(self, offset: int) -> int:
        if offset != DR:
            return self._registers.get(offset, 0)
        return _reflected(self._sum, self._width) if self._registers[CR] & REV_OUT else self._sum

    def write_word(self, offset: int, value: int, lanes: int) -> None:
        if offset == DR:
            shift = (lanes & -lanes).bit_length() - 1
            self._take(value >> shift, lanes.bit_count())
        elif offset == CR:
            self._registers[CR] = value & _CR_WRITABLE
            if value & RESET:
                self._sum = self._registers[INIT] & self._mask
        elif offset in self._registers:
            self._registers[offset] = self._registers[offset] & ~lanes | value
            if offset == INIT:
                self._sum = self._registers[INIT] & self._mask

    @property
    def _width(self) -> int:
        return _WIDTHS[self._registers[CR] >> _POLYSIZE_SHIFT & 3]

    @property
    def _mask(self) -> int:
        return (1 << self._width) - 1

    def _take(self, value: int, bits: int) -> None:
        unit = (0, 8, 16, 32)[self._registers[CR] >> _REV_IN_SHIFT & 3]
        if unit:
            value = _reflected_in_units(value, bits, min(unit, bits))
        top = 1 << self._width - 1
        mask, polynomial, total = self._mask, self._registers[POL], self._sum
        for bit in range(bits - 1, -1, -1):
            feedback = bool(total & top) != bool(value >> bit & 1)
            total = (total << 1 ^ (polynomial if feedback else 0)) & mask
        self._sum = total


def _reflected(value: int, bits: int) -> int:
    return int(f"{value:0{bits}b}"[::-1], 2)


def _reflected_in_units(value: int, bits: int, unit: int) -> int:
    mask = (1 << unit) - 1
    return sum(_reflected(value >> shift & mask, unit) << shift for shift in range(0, bits, unit))
