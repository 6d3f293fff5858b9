"""USARTs (RM0468 chapter 51): bytes out and in, with or without the FIFOs, their flags and interrupts.

Words are 8 bits in frames of 10. No flow control, no address matching, no DMA; the line never shows an error.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

from bmsrescue.twin.clock import NEVER_NS, Event, VirtualClock

from .register_block import RegisterBlock

CR1: Final = 0x00
CR2: Final = 0x04
CR3: Final = 0x08
BRR: Final = 0x0C
RQR: Final = 0x18
ISR: Final = 0x1C
ICR: Final = 0x20
RDR: Final = 0x24
TDR: Final = 0x28
PRESC: Final = 0x2C

# CR1
UE: Final = 1 << 0
RE: Final = 1 << 2
TE: Final = 1 << 3
OVER8: Final = 1 << 15
FIFOEN: Final = 1 << 29
# ISR; the enable bits of the first five are at the same places of CR1.
ORE: Final = 1 << 3
IDLE: Final = 1 << 4
RXNE: Final = 1 << 5
TC: Final = 1 << 6
TXE: Final = 1 << 7
TEACK: Final = 1 << 21
REACK: Final = 1 << 22
TXFE: Final = 1 << 23
RXFF: Final = 1 << 24
RXFT: Final = 1 << 26
TXFT: Final = 1 << 27
# RQR
RXFRQ: Final = 1 << 3
_FRAME_BITS: Final = 10
_FIFO: Final = 16
_STORED: Final = (CR1, CR2, CR3, BRR, 0x10, 0x14, PRESC)
_PRESCALER: Final = (1, 2, 4, 6, 8, 10, 12, 16, 32, 64, 128, 256)
_FIFO_LEVELS: Final = (2, 4, 8, 12, 14, 16)
"""RXFTCFG and TXFTCFG: an eighth to the whole of the FIFO."""
_CR3_INTERRUPTS: Final = ((28, RXFT), (23, TXFT))
_CR1_INTERRUPTS: Final = ((4, IDLE), (5, RXNE | ORE), (6, TC), (7, TXE), (30, TXFE), (31, RXFF))
_NS: Final = 1_000_000_000


class Usart(RegisterBlock):
    """``on_byte(name, byte)`` is called as a byte is handed over, with the clock at that moment.

    ``catch_up()`` lets the core run up to now before a flag appears, ``on_interrupt(level)`` is its interrupt line.
    ``fractional`` is how many 256ths of a kernel clock cycle BRR counts in: 256 for a low-power UART, otherwise 1.
    """

    def __init__(
        self,
        name: str,
        base: int,
        clock: VirtualClock,
        kernel_hz: Callable[[], int],
        on_byte: Callable[[str, int], None],
        catch_up: Callable[[], None] = lambda: None,
        on_interrupt: Callable[[bool], None] = lambda level: None,
        fractional: int = 1,
    ) -> None:
        super().__init__(base)
        self.name = name
        self._clock = clock
        self._kernel_hz = kernel_hz
        self._on_byte = on_byte
        self._catch_up = catch_up
        self._on_interrupt = on_interrupt
        self._fractional = fractional
        self._line: deque[int] = deque()
        """What the other side has still to send."""
        self._arrival: Event | None = None
        self._sent: Event | None = None
        self.reset()

    def reset(self) -> None:
        self._registers = dict.fromkeys(_STORED, 0)
        self._complete_ns = 0
        """The last byte's stop bit is out."""
        self._frame_ns = 0
        self._status = TC
        self._wanted = 0
        """The flags whose interrupts are enabled."""
        self._received: deque[int] = deque()
        if self._sent is not None:
            self._sent.cancel()
            self._sent = None
        self._signal()

    @property
    def baud(self) -> int:
        """Bits per second, or 0 while BRR is not set."""
        divider = self._registers[BRR]
        if self._registers[CR1] & OVER8 and self._fractional == 1:
            divider = (divider & 0xFFF0 | (divider & 7) << 1) // 2
        prescaler = _PRESCALER[min(self._registers[PRESC] & 0xF, len(_PRESCALER) - 1)]
        return self._kernel_hz() * self._fractional // (divider * prescaler) if divider else 0

    # --- the other side -----------------------------------------------------------------------------------------------

    def receive(self, data: bytes) -> None:
        """Somebody sends bytes to it, one after the other at its own speed. Nothing hears them while it is off."""
        self._line += data
        if self._arrival is None and self._line:
            self._expect()

    def _expect(self) -> None:
        baud = self.baud
        if not baud or not self._enabled(RE):
            self._line.clear()
            self._arrival = None
            return
        self._arrival = self._clock.after(_FRAME_BITS * _NS // baud, self._arrive)

    def _arrive(self) -> None:
        self._catch_up()
        self._arrival = None
        if self._line:
            self._take(self._line.popleft())
            self._expect()
        elif self._enabled(RE):
            # A whole frame of silence.
            self._status |= IDLE
        self._signal()

    def _take(self, byte: int) -> None:
        if not self._enabled(RE):
            return
        if len(self._received) < self._depth:
            self._received.append(byte)
        else:
            self._status |= ORE

    # --- bus ----------------------------------------------------------------------------------------------------------

    def next_change_ns(self, address: int) -> int:
        now_ns = self._clock.now_ns
        if address - self.base != ISR:
            return NEVER_NS
        return min((when for when in (self._room_ns, self._complete_ns) if when > now_ns), default=NEVER_NS)

    def read_word(self, offset: int) -> int:
        if offset == ISR:
            return self._flags()
        if offset != RDR:
            return self._registers.get(offset, 0)
        byte = self._received.popleft() if self._received else 0
        self._signal()
        return byte

    def write_word(self, offset: int, value: int, lanes: int) -> None:
        if offset == TDR:
            self._send(value & 0xFF)
        elif offset == ICR:
            self._status &= ~value
        elif offset == RQR:
            if value & RXFRQ:
                self._received.clear()
        elif offset in self._registers:
            self._registers[offset] = self._registers[offset] & ~lanes | value
            self._wanted = self._interrupts_wanted()
            if not self._enabled(RE):
                self._received.clear()
        self._signal()

    # --- inside -------------------------------------------------------------------------------------------------------

    @property
    def _depth(self) -> int:
        return _FIFO if self._registers[CR1] & FIFOEN else 1

    @property
    def _room_ns(self) -> int:
        """TDR can take a byte from here on: the shift register and a FIFO's worth of bytes are all that wait."""
        return self._complete_ns - self._depth * self._frame_ns

    def _enabled(self, direction: int) -> bool:
        wanted = UE | direction
        return self._registers[CR1] & wanted == wanted

    def _flags(self) -> int:
        now_ns = self._clock.now_ns
        status = self._status if now_ns >= self._complete_ns else self._status & ~TC
        status |= TXE if now_ns >= self._room_ns else 0
        status |= RXNE if self._received else 0
        status |= TEACK if self._enabled(TE) else 0
        status |= REACK if self._enabled(RE) else 0
        if self._registers[CR1] & FIFOEN:
            status |= self._fifo_flags(now_ns)
        return status

    def _fifo_flags(self, now_ns: int) -> int:
        left_ns = max(self._complete_ns - self._frame_ns - now_ns, 0)
        waiting = -(-left_ns // self._frame_ns) if self._frame_ns else 0
        levels = self._registers[CR3]
        flags = TXFE if not waiting else 0
        flags |= RXFF if len(self._received) == _FIFO else 0
        flags |= RXFT if len(self._received) >= _FIFO_LEVELS[min(levels >> 25 & 7, 5)] else 0
        return flags | (TXFT if _FIFO - waiting >= _FIFO_LEVELS[min(levels >> 29 & 7, 5)] else 0)

    def _send(self, byte: int) -> None:
        baud = self.baud
        if not self._enabled(TE) or not baud or self._clock.now_ns < self._room_ns:
            return
        self._frame_ns = _FRAME_BITS * _NS // baud
        self._complete_ns = max(self._clock.now_ns, self._complete_ns) + self._frame_ns
        self._status |= TC
        self._on_byte(self.name, byte)

    def _signal(self) -> None:
        """Show the interrupt line what the flags are now, and come back when time will change them."""
        wanted = self._wanted
        self._on_interrupt(bool(wanted and self._flags() & wanted))
        if not wanted & (TXE | TC | TXFE | TXFT) or self._sent is not None:
            return
        when_ns = self.next_change_ns(self.base + ISR)
        if when_ns < NEVER_NS:
            if wanted & TXFT:
                when_ns = min(when_ns, self._clock.now_ns + self._frame_ns)
            self._sent = self._clock.at(when_ns, self._time_passed)

    def _interrupts_wanted(self) -> int:
        control, more = self._registers[CR1], self._registers[CR3]
        wanted = sum(flags for bit, flags in _CR1_INTERRUPTS if control >> bit & 1)
        if control & FIFOEN:
            return wanted | sum(flag for bit, flag in _CR3_INTERRUPTS if more >> bit & 1)
        return wanted & ~(TXFE | RXFF)

    def _time_passed(self) -> None:
        self._catch_up()
        self._sent = None
        self._signal()
