"""USART transmitters (RM0468 chapter 51): enough for firmware that polls TXE and TC. Nothing is received."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from bmsrescue.twin.clock import NEVER_NS, VirtualClock

from .register_block import RegisterBlock

USART1_BASE: Final = 0x40011000
USART2_BASE: Final = 0x40004400
USART3_BASE: Final = 0x40004800

CR1: Final = 0x00
CR2: Final = 0x04
CR3: Final = 0x08
BRR: Final = 0x0C
ISR: Final = 0x1C
ICR: Final = 0x20
TDR: Final = 0x28
PRESC: Final = 0x2C

UE: Final = 1 << 0
RE: Final = 1 << 2
TE: Final = 1 << 3
OVER8: Final = 1 << 15
TC: Final = 1 << 6
TXE: Final = 1 << 7
TEACK: Final = 1 << 21
REACK: Final = 1 << 22
_FRAME_BITS: Final = 10
_STORED: Final = (CR1, CR2, CR3, BRR, 0x10, 0x14, PRESC)
_PRESCALER: Final = (1, 2, 4, 6, 8, 10, 12, 16, 32, 64, 128, 256)


class Usart(RegisterBlock):
    """``on_byte(name, byte)`` is called as a byte is handed over, with the clock at that moment."""

    def __init__(
        self,
        name: str,
        base: int,
        clock: VirtualClock,
        kernel_hz: Callable[[], int],
        on_byte: Callable[[str, int], None],
    ) -> None:
        super().__init__(base)
        self.name = name
        self._clock = clock
        self._kernel_hz = kernel_hz
        self._on_byte = on_byte
        self.reset()

    def reset(self) -> None:
        self._registers = dict.fromkeys(_STORED, 0)
        self._empty_ns = 0
        """TDR can take a byte from here on."""
        self._complete_ns = 0

    @property
    def baud(self) -> int:
        """Bits per second, or 0 while BRR is not set."""
        divider = self._registers[BRR]
        if self._registers[CR1] & OVER8:
            divider = (divider & 0xFFF0 | (divider & 7) << 1) // 2
        prescaler = _PRESCALER[min(self._registers[PRESC] & 0xF, len(_PRESCALER) - 1)]
        return self._kernel_hz() // (divider * prescaler) if divider else 0

    def next_change_ns(self, address: int) -> int:
        now_ns = self._clock.now_ns
        if address - self.base != ISR:
            return NEVER_NS
        return min((when for when in (self._empty_ns, self._complete_ns) if when > now_ns), default=NEVER_NS)

    def read_word(self, offset: int) -> int:
        if offset != ISR:
            return self._registers.get(offset, 0)
        now_ns = self._clock.now_ns
        status = TXE if now_ns >= self._empty_ns else 0
        status |= TC if now_ns >= self._complete_ns else 0
        status |= REACK if self._registers[CR1] & (UE | RE) == UE | RE else 0
        return status | (TEACK if self._transmitting() else 0)

    def write_word(self, offset: int, value: int, lanes: int) -> None:
        if offset == TDR:
            self._send(value & 0xFF)
        elif offset in self._registers:
            self._registers[offset] = self._registers[offset] & ~lanes | value

    def _transmitting(self) -> bool:
        return self._registers[CR1] & (UE | TE) == UE | TE

    def _send(self, byte: int) -> None:
        baud = self.baud
        if not self._transmitting() or not baud or self._clock.now_ns < self._empty_ns:
            return
        start_ns = max(self._clock.now_ns, self._complete_ns)
        self._empty_ns = start_ns
        self._complete_ns = start_ns + _FRAME_BITS * 1_000_000_000 // baud
        self._on_byte(self.name, byte)
