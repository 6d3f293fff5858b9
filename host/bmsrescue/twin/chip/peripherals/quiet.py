"""Peripherals that nobody needs here: registers that read back, so that other people's firmware can start.

Where firmware polls for a flag before it goes on, the flag is there: random numbers, semaphores, the clock's shadow
registers. Nothing else happens. Addresses: RM0468 and RM0433, section 2.3, memory map.
"""

from __future__ import annotations

from typing import Final

from .register_block import RegisterBlock

SPANS: Final[tuple[tuple[int, int], ...]] = (
    (0x40000000, 0x0000D800),  # APB1
    (0x40010000, 0x00007800),  # APB2
    (0x40020000, 0x000A0000),  # AHB1
    (0x48020000, 0x00004C00),  # AHB2
    (0x50000000, 0x00004000),  # APB3
    (0x52000000, 0x0000C000),  # AHB3: MDMA, DMA2D, FMC, QUADSPI or OCTOSPI, SDMMC1
    (0x58000000, 0x00007000),  # APB4: EXTI, LPUART1, SPI6, I2C4, RTC, DTS
    (0x58020000, 0x00007000),  # AHB4: CRC, BDMA, ADC3, HSEM
)
"""(start, length) of the buses with peripherals."""

RNG_SR: Final = 0x48021804
RNG_DR: Final = 0x48021808
_RNG_DRDY: Final = 1
RTC_ISR: Final = 0x5800400C
_RTC_WUTWF: Final = 1 << 2
_RTC_RSF: Final = 1 << 5
_RTC_INITF: Final = 1 << 6
_RTC_INIT: Final = 1 << 7
HSEM: Final = range(0x58026400, 0x58026480)
HSEM_READ_LOCK: Final = range(0x58026480, 0x58026500)
_HSEM_LOCKED: Final = 1 << 31
_HSEM_CORE: Final = 3 << 8
_SEED: Final = 0x2545F491


class QuietPeripherals(RegisterBlock):
    """All of them; registers go by their address."""

    def __init__(self) -> None:
        super().__init__(0)
        self._words: dict[int, int] = {}
        self._random = _SEED

    def reset(self) -> None:
        self._words.clear()

    def read_word(self, offset: int) -> int:
        value = self._words.get(offset, 0)
        if offset == RNG_SR:
            return value | _RNG_DRDY
        if offset == RNG_DR:
            return self._next_random()
        if offset == RTC_ISR:
            return value | _RTC_WUTWF | _RTC_RSF | (_RTC_INITF if value & _RTC_INIT else 0)
        if offset in HSEM_READ_LOCK:
            self._words[offset - 0x80] = _HSEM_LOCKED | _HSEM_CORE
            return _HSEM_LOCKED | _HSEM_CORE
        return value

    def write_word(self, offset: int, value: int, lanes: int) -> None:
        if offset in HSEM and not value & _HSEM_LOCKED:
            value = 0
        self._words[offset] = self._words.get(offset, 0) & ~lanes | value

    def _next_random(self) -> int:
        """Xorshift: the same numbers each time."""
        value = self._random
        value ^= value << 13 & 0xFFFFFFFF
        value ^= value >> 17
        value ^= value << 5 & 0xFFFFFFFF
        self._random = value
        return value
