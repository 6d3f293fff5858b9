"""Peripherals whose work nobody needs here: registers that read back, so that other people's firmware can start.

They show their reset values, keep what is written, and where firmware waits for a flag before it goes on, the flag is
there. Nothing else happens: no transfer, no interrupt, no card, no bus partner. Chapters of RM0433 and RM0468.
"""

from __future__ import annotations

from typing import Final

from .quiet_registers import REGISTERS, Registers
from .register_block import RegisterBlock

_RNG_CR: Final = 0x00
_RNG_SR: Final = 0x04
_RNG_DR: Final = 0x08
_RNG_RNGEN: Final = 1 << 2
_RNG_DRDY: Final = 1 << 0
_SEED: Final = 0x2545F491

_RTC_ISR: Final = 0x0C
_RTC_INITF: Final = 1 << 6
_RTC_INIT: Final = 1 << 7

_HSEM: Final = range(0x80)
_HSEM_READ_LOCK: Final = range(0x80, 0x100)
_HSEM_LOCKED: Final = 1 << 31
_HSEM_CORE: Final = 3 << 8


class QuietBlock(RegisterBlock):
    """One peripheral, by the rules of its kind (``quiet_registers``)."""

    def __init__(self, base: int, registers: Registers) -> None:
        super().__init__(base)
        self._rules = registers
        self._words: dict[int, int] = {}

    def reset(self) -> None:
        self._words.clear()

    def read_word(self, offset: int) -> int:
        rules = self._rules
        value = self._words.get(offset)
        if value is None:
            value = rules.reset.get(offset, 0)
        return value | rules.ready.get(offset, 0)

    def write_word(self, offset: int, value: int, lanes: int) -> None:
        rules = self._rules
        if offset in rules.read_only:
            return
        old = self._words.get(offset, rules.reset.get(offset, 0))
        new = old & ~value if offset in rules.cleared_by_ones else old & ~lanes | value
        self._words[offset] = new & ~rules.self_clearing.get(offset, 0)


class Rng(QuietBlock):
    """The random number generator, with the same numbers each time."""

    def __init__(self, base: int, registers: Registers) -> None:
        super().__init__(base, registers)
        self._random = _SEED

    def read_word(self, offset: int) -> int:
        running = self._words.get(_RNG_CR, 0) & _RNG_RNGEN
        if offset == _RNG_SR:
            return _RNG_DRDY if running else 0
        if offset == _RNG_DR:
            return self._next() if running else 0
        return super().read_word(offset)

    def _next(self) -> int:
        """Xorshift."""
        value = self._random
        value ^= value << 13 & 0xFFFFFFFF
        value ^= value >> 17
        value ^= value << 5 & 0xFFFFFFFF
        self._random = value
        return value


class Backup(QuietBlock):
    """Registers of the backup domain: a system reset leaves them alone."""

    def reset(self) -> None:
        """Nothing."""

    def power_on_reset(self) -> None:
        super().reset()


class Rtc(Backup):
    """The clock, which can be set and stands still."""

    def read_word(self, offset: int) -> int:
        value = super().read_word(offset)
        return value | _RTC_INITF if offset == _RTC_ISR and value & _RTC_INIT else value


class Hsem(QuietBlock):
    """The semaphores, with one core to take them."""

    def read_word(self, offset: int) -> int:
        if offset in _HSEM_READ_LOCK:
            self._words[offset - 0x80] = _HSEM_LOCKED | _HSEM_CORE
            return _HSEM_LOCKED | _HSEM_CORE
        return super().read_word(offset)

    def write_word(self, offset: int, value: int, lanes: int) -> None:
        if offset in _HSEM and not value & _HSEM_LOCKED:
            value = 0
        super().write_word(offset, value, lanes)


_OWN: Final[dict[str, type[QuietBlock]]] = {"RNG": Rng, "RTC": Rtc, "TAMP": Backup, "HSEM": Hsem}


def quiet_block(name: str, base: int) -> QuietBlock:
    """The peripheral of that name ("I2C4") at ``base``."""
    kind = name.rstrip("0123456789")
    rules = REGISTERS.get(name, REGISTERS.get(kind, Registers()))
    return _OWN.get(name, QuietBlock)(base, rules)
