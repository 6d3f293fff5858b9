# Feeds and empties the state machine of pio_swd.py, in viper. `pio` is the PIO block's registers (RP2040 data sheet
# 3.7), of which machine 0 is used. Every wait turns at most `limit` times: each turn takes some 10 core cycles.

import micropython
from micropython import const

# Word offsets
_FSTAT = const(1)
_FDEBUG = const(2)
_FLEVEL = const(3)
_TXF0 = const(4)
_RXF0 = const(8)
_SM0_ADDR = const(53)
_TX_FULL = const(1 << 16)
_TX_EMPTY = const(1 << 24)
_RX_EMPTY = const(1 << 8)
_TX_STALL = const(1 << 24)

_HALT = const(30)  # pio_swd.HALT
_STUCK = const(-1000000)
# Eight clocks with SWDIO low, before SWCLK stops (ADIv5.2 B4.1.1): DRIVE, seven bits and one more at pio_swd.BITS_OUT.
# Two words follow, both 0.
IDLE = const(1 | 6 << 1 | 4 << 6)


@micropython.viper
def write_words(pio: ptr32, command: uint, data: ptr8, count: int, limit: int) -> int:  # noqa: F821
    """Sends the `count` words at `data`, each with its own request, and idle clocks behind the last. Returns how many
    got OK; a number below 0 when the machine is stuck. When it is less than `count` the machine is at HALT."""
    index = 0
    at = 0
    while index <= count:
        value = uint(0)  # noqa: F821
        parity = 0
        if index < count:
            value = uint(data[at] | data[at + 1] << 8 | data[at + 2] << 16 | data[at + 3] << 24)  # noqa: F821
            at += 4
            fold = value ^ value >> 16
            fold ^= fold >> 8
            fold ^= fold >> 4
            parity = 0x6996 >> int(fold & 15) & 1
        else:
            command = uint(IDLE)  # noqa: F821
        # Room for all three: the machine has taken the last word's data and is sending it.
        turns = limit
        while pio[_FLEVEL] & 15 > 1:
            if pio[_SM0_ADDR] == _HALT:
                return (index * 3 - (pio[_FLEVEL] & 15) - 1) // 3
            turns -= 1
            if turns == 0:
                return _STUCK
        pio[_TXF0] = int(command)
        pio[_TXF0] = int(value)
        pio[_TXF0] = parity
        index += 1
    pio[_FDEBUG] = _TX_STALL
    turns = limit
    while not (pio[_FDEBUG] & _TX_STALL and pio[_FSTAT] & _TX_EMPTY):
        turns -= 1
        if turns == 0:
            return _STUCK
    return count


@micropython.viper
def read_words(pio: ptr32, command: uint, rest: uint, data: ptr8, count: int, limit: int) -> int:  # noqa: F821
    """Reads `count` words, at least one, to `data`, with idle clocks behind the last. `command` is the request's,
    `rest` that of parity and turnaround. Returns how many are good: `count`; the number before one with bad parity,
    or-ed with 1 << 20; the number before one without OK, with the machine at HALT; or a number below 0 when the
    machine is stuck."""
    index = 0
    at = 0
    good = count
    value = uint(0)  # noqa: F821
    while True:
        left = count - index
        if left:
            pio[_TXF0] = int(command)
            pio[_TXF0] = int(rest)
        if left == 1:
            turns = limit
            while pio[_FLEVEL] & 15 > 1:
                turns -= 1
                if turns == 0:
                    return _STUCK
            pio[_TXF0] = IDLE
            pio[_TXF0] = 0
            pio[_TXF0] = 0
        if index:  # the machine goes on while this word is put away
            data[at] = int(value & 0xFF)
            data[at + 1] = int(value >> 8 & 0xFF)
            data[at + 2] = int(value >> 16 & 0xFF)
            data[at + 3] = int(value >> 24 & 0xFF)
            at += 4
        if left == 0:
            break
        turns = limit
        while pio[_FSTAT] & _RX_EMPTY:
            if pio[_SM0_ADDR] == _HALT:
                return index
            turns -= 1
            if turns == 0:
                return _STUCK
        value = uint(pio[_RXF0])  # noqa: F821
        fold = value ^ value >> 16
        fold ^= fold >> 8
        fold ^= fold >> 4
        parity = 0x6996 >> int(fold & 15) & 1
        turns = limit
        while pio[_FSTAT] & _RX_EMPTY:
            turns -= 1
            if turns == 0:
                return _STUCK
        # Two bits came: the parity is bit 30, the turnaround bit 31.
        if int(uint(pio[_RXF0]) >> 30 & 1) != parity:  # noqa: F821
            good = index | 1 << 20
            if left > 1:
                pio[_TXF0] = IDLE
                pio[_TXF0] = 0
                pio[_TXF0] = 0
            break
        index += 1
    pio[_FDEBUG] = _TX_STALL
    turns = limit
    while not (pio[_FDEBUG] & _TX_STALL and pio[_FSTAT] & _TX_EMPTY):
        turns -= 1
        if turns == 0:
            return _STUCK
    return good


@micropython.viper
def put(pio: ptr32, value: uint, limit: int) -> int:  # noqa: F821
    """One word into the FIFO; 0 when there was no room for it."""
    while pio[_FSTAT] & _TX_FULL:
        limit -= 1
        if limit == 0:
            return 0
    pio[_TXF0] = int(value)
    return 1


@micropython.viper
def take(pio: ptr32, shift: int, limit: int) -> int:  # noqa: F821
    """One word from the FIFO, shifted right; -1 when none came. At most 30 bits."""
    while pio[_FSTAT] & _RX_EMPTY:
        limit -= 1
        if limit == 0:
            return -1
    return int(uint(pio[_RXF0]) >> shift)  # noqa: F821


@micropython.viper
def idle(pio: ptr32, limit: int) -> int:  # noqa: F821
    """Until the machine has done all it was told; 0 when it does not come to an end."""
    pio[_FDEBUG] = _TX_STALL
    while not (pio[_FDEBUG] & _TX_STALL and pio[_FSTAT] & _TX_EMPTY):
        limit -= 1
        if limit == 0:
            return 0
    return 1
