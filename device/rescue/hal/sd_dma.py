# A data block of an SD card by DMA on an RP2040 or RP2350 (data sheets 2.5, 4.4 and 12.6, 12.3): its CRC is computed
# while it is on the bus. Without this, sd_spi.py goes by machine.SPI, which waits for each block.

import sys
from array import array

import micropython
import rp2
from micropython import const

from rescue.hal.sd_crc import crc16

_EIO = const(5)
_BLOCK = const(512)
_TAKEN = const(0x05)  # data response
_TURNS = const(100000)  # of a wait for a block; it takes 0.3 ms at 12 MHz and 10 at 400 kHz, a turn some 10 core cycles
_LOOKS = const(256)  # bytes on the bus before a card that is busy is given up for the moment
_BYTE_TURNS = const(4000)

# SPI0's registers, the DREQ of its sending side, and how far behind its own SPI1's registers are
_RP2040 = (0x4003C000, 16, 0x4000)
_RP2350 = (0x40080000, 24, 0x8000)
_DMA = const(0x50000000)
_CHANNEL = const(0x40)
# Word offsets
_DR = const(2)
_SR = const(3)
_NOT_EMPTY = const(4)  # there is something to receive


@micropython.viper
def _start(spi: ptr32, data: ptr8, first: int, out: ptr32, back: ptr32, plan: ptr32) -> int:  # noqa: F821
    """Until the card is ready; then the byte `first`, and the block at `data` begins. 0: the card is busy still."""
    sent = 0xFF
    for _ in range(_LOOKS):
        spi[_DR] = sent
        turns = _BYTE_TURNS
        while not spi[_SR] & _NOT_EMPTY and turns:
            turns -= 1
        answer = spi[_DR]
        if sent != 0xFF:
            # What comes back goes to one byte behind the plan.
            back[0] = int(spi) + 8
            back[1] = int(plan) + 8
            back[2] = _BLOCK
            back[3] = plan[1]
            out[0] = int(data)
            out[1] = int(spi) + 8
            out[2] = _BLOCK
            out[3] = plan[0]
            return 1
        if answer == 0xFF:
            sent = first
    return 0


@micropython.viper
def _finish(spi: ptr32, back: ptr32, crc: int) -> int:  # noqa: F821
    """Behind the block: its CRC, and the card's answer to it; 0 where the block does not come to its end."""
    turns = _TURNS
    while back[2]:
        turns -= 1
        if turns == 0:
            return 0
    sent = crc >> 8 | (crc & 0xFF) << 8 | 0xFF << 16
    answer = 0
    for _ in range(3):
        spi[_DR] = sent & 0xFF
        sent >>= 8
        turns = _BYTE_TURNS
        while not spi[_SR] & _NOT_EMPTY and turns:
            turns -= 1
        answer = spi[_DR]
    return answer


class BlocksByDma:
    """number: of the SPI, which its machine.SPI has set up and which nobody uses meanwhile."""

    def __init__(self, number):
        base, request, step = _RP2350 if "RP2350" in sys.implementation._machine else _RP2040
        self._spi = base + number * step
        self._channels = out, back = rp2.DMA(), rp2.DMA()
        self._out = _DMA + out.channel * _CHANNEL
        self._back = _DMA + back.channel * _CHANNEL
        request += 2 * number
        self._plan = array(
            "I",
            [
                out.pack_ctrl(size=0, inc_write=False, treq_sel=request),
                back.pack_ctrl(size=0, inc_read=False, inc_write=False, treq_sel=request + 1),
                0,
            ],
        )

    def send(self, first, view, at):
        """The blocks of `view` from byte `at` on, the byte `first` before each. Returns how far it came: less than all
        where the card is busy. Raises OSError(EIO) for a block that it does not take."""
        spi, out, back, plan = self._spi, self._out, self._back, self._plan
        while at < len(view):
            block = view[at : at + _BLOCK]
            if not _start(spi, block, first, out, back, plan):
                break
            if _finish(spi, back, crc16(block, _BLOCK)) & 0x1F != _TAKEN:
                raise OSError(_EIO)
            at += _BLOCK
        return at
