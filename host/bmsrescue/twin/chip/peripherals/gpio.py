"""General-purpose I/O ports A to K (RM0468 chapter 11): modes, levels, pulls, and what the board sees of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from .register_block import RegisterBlock

BASE: Final = 0x58020000
PORT_SIZE: Final = 0x400
PORTS: Final = "ABCDEFGHIJK"

MODER: Final = 0x00
OTYPER: Final = 0x04
OSPEEDR: Final = 0x08
PUPDR: Final = 0x0C
IDR: Final = 0x10
ODR: Final = 0x14
BSRR: Final = 0x18
LCKR: Final = 0x1C
AFRL: Final = 0x20
AFRH: Final = 0x24

_INPUT: Final = 0
_OUTPUT: Final = 1
_ALTERNATE: Final = 2
_PULL_UP: Final = 1
_PINS: Final = 16
_HALF: Final = 0xFFFF

_RESET_VALUES: Final[dict[str, dict[int, int]]] = {
    "A": {MODER: 0xABFFFFFF, OSPEEDR: 0x0C000000, PUPDR: 0x64000000},
    "B": {MODER: 0xFFFFFEBF, OSPEEDR: 0x000000C0, PUPDR: 0x00000100},
}
_STORED: Final = (MODER, OTYPER, OSPEEDR, PUPDR, ODR, LCKR, AFRL, AFRH)
_SWDIO: Final = 13
_SWCLK: Final = 14


class GpioPort(RegisterBlock):
    """One port. ``on_pin(name, level)`` is told when an output changes; None is high impedance."""

    def __init__(self, letter: str, on_pin: Callable[[str, bool | None], None]) -> None:
        super().__init__(BASE + PORT_SIZE * PORTS.index(letter))
        self.letter = letter
        self._on_pin = on_pin
        self._outside: dict[int, bool] = {}
        self._levels: list[bool | None] = [None] * _PINS
        self._reported: tuple[int, ...] = ()
        self._registers: dict[int, int] = {}
        self._load_reset_values()

    def reset(self) -> None:
        self._load_reset_values()
        self._report()

    def _load_reset_values(self) -> None:
        self._registers = dict.fromkeys(_STORED, 0) | {MODER: 0xFFFFFFFF} | _RESET_VALUES.get(self.letter, {})

    # --- what the board does and sees ---------------------------------------------------------------------------------

    def drive(self, pin: int, level: bool | None) -> None:
        """The board drives a pin from outside, or lets it go."""
        if level is None:
            self._outside.pop(pin, None)
        else:
            self._outside[pin] = level

    def output(self, pin: int) -> bool | None:
        """The level the chip drives, or None."""
        return self._levels[pin]

    @property
    def swd_assigned(self) -> bool:
        """Whether PA13 and PA14 belong to the debug port (alternate function 0)."""
        return all(
            self._mode(pin) == _ALTERNATE and self._registers[AFRH] >> 4 * (pin - 8) & 0xF == 0
            for pin in (_SWDIO, _SWCLK)
        )

    # --- bus ----------------------------------------------------------------------------------------------------------

    def read_word(self, offset: int) -> int:
        if offset == IDR:
            return self._inputs()
        return self._registers.get(offset, 0)

    def write_word(self, offset: int, value: int, lanes: int) -> None:
        if offset == BSRR:
            self._registers[ODR] = (self._registers[ODR] & ~(value >> 16) | value) & _HALF
        elif offset in self._registers:
            self._registers[offset] = self._registers[offset] & ~lanes | value
        else:
            return
        self._report()

    # --- levels -------------------------------------------------------------------------------------------------------

    def _mode(self, pin: int) -> int:
        return self._registers[MODER] >> 2 * pin & 3

    def _driven(self, pin: int) -> bool | None:
        if self._mode(pin) != _OUTPUT:
            return None
        high = bool(self._registers[ODR] >> pin & 1)
        open_drain = bool(self._registers[OTYPER] >> pin & 1)
        return None if high and open_drain else high

    def _inputs(self) -> int:
        value = 0
        for pin in range(_PINS):
            level = self._driven(pin)
            if level is None:
                level = self._outside.get(pin)
            if level is None:
                level = self._registers[PUPDR] >> 2 * pin & 3 == _PULL_UP
            value |= level << pin
        return value

    def _report(self) -> None:
        registers = self._registers
        deciding = registers[MODER], registers[ODR], registers[OTYPER]
        if deciding == self._reported:
            return
        self._reported = deciding
        for pin in range(_PINS):
            level = self._driven(pin)
            if level is not self._levels[pin]:
                self._levels[pin] = level
                self._on_pin(f"P{self.letter}{pin}", level)
