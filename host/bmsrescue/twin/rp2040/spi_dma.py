"""SPI by DMA in one piece: the emulator would move every byte by four alarms of its own, which takes hours for a card.

When the two DMA channels of one SPI transfer are both started, its bytes are exchanged at once, and the channels end
when the last of them would have been through. What the firmware sees is the same, interrupts and counts included.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from rp2040py.memory_map import RAM_START_ADDRESS
from rp2040py.peripherals.dma import BUSY, INCR_READ, INCR_WRITE, IRQ_QUIET, DREQChannel

_BITS: Final = 8


class SpiDma:
    """Watches the DMA channels of `chip` that feed and empty `spi`; `transfer` is what hangs on the bus."""

    def __init__(self, chip: Any, spi: Any, transfer: Callable[[bytes], bytes]) -> None:
        self._chip = chip
        self._spi = spi
        self._transfer = transfer
        self._out: Any = None
        self._in: Any = None
        self._done = chip.clock.create_alarm(self._finish)
        for channel in chip.dma.channels:
            channel.schedule_transfer = self._instead_of(channel, channel.schedule_transfer)

    def _instead_of(self, channel: Any, schedule: Callable[[], None]) -> Callable[[], None]:
        def schedule_transfer() -> None:
            if channel.treq == DREQChannel.DREQ_SPI0_TX and self._spi is self._chip.spi[0]:
                self._out = channel
            elif channel.treq == DREQChannel.DREQ_SPI0_RX and self._spi is self._chip.spi[0]:
                self._in = channel
            else:
                schedule()
                return
            if self._out and self._in:
                self._start()

        return schedule_transfer

    def _start(self) -> None:
        source, sink, ram = self._out, self._in, self._chip.sram
        count = source._trans_count
        at = source._read_addr
        if source._ctrl & INCR_READ:
            sent = bytes(self._chip.read_uint8(at + index) for index in range(count))
        else:
            sent = bytes((self._chip.read_uint8(at),)) * count
        received = self._transfer(sent)
        start = sink._write_addr - RAM_START_ADDRESS
        if sink._ctrl & INCR_WRITE:
            ram[start : start + count] = received
        else:
            ram[start] = received[-1]
        self._done.schedule(count * _BITS * 1e9 / self._spi.clock_frequency)

    def _finish(self) -> None:
        for channel in (self._out, self._in):
            channel._trans_count = 0
            channel._ctrl &= ~BUSY
            if not channel._ctrl & IRQ_QUIET:
                self._chip.dma.int_raw |= 1 << channel.index
                self._chip.dma.check_interrupts()
        self._out = self._in = None
