# The data blocks of an SD card by DMA on an RP2040 or RP2350 (data sheets 2.5, 4.4 and 12.6, 12.3): as sd_blocks.py,
# but a CRC is computed while its block, or the next one, is on the bus. So all are checked, at next to no cost.

import sys
from array import array

import micropython
import rp2
from micropython import const

from rescue.hal.sd_crc import crc16

_EIO = const(5)
_BLOCK = const(512)
_TAKEN = const(0x05)  # data response
# Of a wait for a block, which takes 0.34 ms at 12 MHz and 10 at 400 kHz; a turn is some 10 core cycles.
_TURNS = const(100000)
_LOOKS = const(256)  # bytes on the bus before a card that is not ready is given up for the moment
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
def _begin(
    spi: ptr32,  # noqa: F821
    data: ptr8,  # noqa: F821
    size: int,
    first: int,
    sending: int,
    out: ptr32,  # noqa: F821
    back: ptr32,  # noqa: F821
    plan: ptr32,  # noqa: F821
) -> int:
    """Until the card is ready for a block, or its byte `first` comes; then the channels begin. 0: another byte came;
    -1: nothing yet."""
    sent = 0xFF
    answer = 0
    for _ in range(_LOOKS):
        spi[_DR] = sent
        turns = _BYTE_TURNS
        while not spi[_SR] & _NOT_EMPTY and turns:
            turns -= 1
        answer = spi[_DR]
        if sent != 0xFF:
            break
        if sending:
            if answer == 0xFF:
                sent = first
        elif answer != 0xFF:
            break
    ones = int(plan) + 16
    source = ones
    sink = int(data)
    if sending:
        if sent == 0xFF:
            return -1
        source = sink
        sink = ones + 4
    else:
        if answer == 0xFF:
            return -1
        if answer != first:
            return 0
        plan = ptr32(int(plan) + 8)  # noqa: F821
    back[0] = int(spi) + 8
    back[1] = sink
    back[2] = size
    back[3] = plan[1]
    out[0] = source
    out[1] = int(spi) + 8
    out[2] = size
    out[3] = plan[0]
    return 1


@micropython.viper
def _finish(spi: ptr32, back: ptr32, sent: int, count: int) -> int:  # noqa: F821
    """Behind the block: `count` bytes each way, the lowest of `sent` first. Returns what came, the last one lowest; -1
    where the block does not come to its end."""
    turns = _TURNS
    while back[2]:
        turns -= 1
        if turns == 0:
            return -1
    answer = 0
    for _ in range(count):
        spi[_DR] = sent & 0xFF
        sent >>= 8
        turns = _BYTE_TURNS
        while not spi[_SR] & _NOT_EMPTY and turns:
            turns -= 1
        answer = answer << 8 | spi[_DR]
    return answer


class BlocksByDma:
    """number: of the SPI, which its machine.SPI has set up."""

    def __init__(self, number):
        base, request, step = _RP2350 if "RP2350" in sys.implementation._machine else _RP2040
        self._spi = base + number * step
        self._channels = out, back = rp2.DMA(), rp2.DMA()
        self._out = _DMA + out.channel * _CHANNEL
        self._back = _DMA + back.channel * _CHANNEL
        request += 2 * number
        words = [
            channel.pack_ctrl(size=0, inc_read=inc_read, inc_write=inc_write, treq_sel=request + (channel is back))
            for channel, inc_read, inc_write in (
                (out, True, False),  # sending
                (back, False, False),
                (out, False, False),  # receiving
                (back, False, True),
            )
        ]
        # Behind the words: what is sent when nothing is, and where that goes that nobody wants.
        self._plan = array("I", words + [0xFF, 0])

    def send(self, first, view, at):
        spi, out, back, plan = self._spi, self._out, self._back, self._plan
        while at < len(view):
            block = view[at : at + _BLOCK]
            if _begin(spi, block, _BLOCK, first, 1, out, back, plan) < 0:
                break
            crc = crc16(block, _BLOCK)
            if _finish(spi, back, crc >> 8 | (crc & 0xFF) << 8 | 0xFF0000, 3) & 0x1F != _TAKEN:
                raise OSError(_EIO)
            at += _BLOCK
        return at

    def receive(self, first, view, at):
        spi, out, back, plan = self._spi, self._out, self._back, self._plan
        size = min(len(view), _BLOCK)
        last = None
        crc = 0
        while at < len(view):
            block = view[at : at + size]
            begun = _begin(spi, block, size, first, 0, out, back, plan)
            if begun < 0:
                break
            good = last is None or crc16(last, size) == crc
            crc = _finish(spi, back, 0xFFFF, 2)
            if not begun or not good:
                raise OSError(_EIO)
            last = block
            at += size
        if last is not None and crc16(last, size) != crc:
            raise OSError(_EIO)
        return at
