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
_PARITY_IN = const((1 << 1) | (11 << 6))  # pio_swd.BITS_IN, two bits: parity and turnaround
_STUCK = const(-1000000)
# Eight clocks with SWDIO low, before SWCLK stops (ADIv5.2 B4.1.1): DRIVE, seven bits and one more at pio_swd.BITS_OUT.
# Two words follow, both 0.
IDLE = const(1 | 6 << 1 | 4 << 6)


@micropython.viper
def write_words(
    pio: ptr32,  # noqa: F821
    data: ptr8,  # noqa: F821
    value: uint,  # noqa: F821
    count: int,
    request: uint,  # noqa: F821
    aim: uint,  # noqa: F821
    limit: int,
) -> int:
    """Sends the `count` words at `data`, each by `request`, and idle clocks behind the last. With `aim`, a request
    other than 0, `value` is written first, by that: TAR. Returns how many transfers got OK; a number below 0 when the
    machine is stuck. When it is less than all of them the machine is at HALT."""
    index = 0
    at = 0
    command = request
    if aim:
        command = aim
        count += 1
    while index <= count:
        parity = 0
        if index == count:
            command = uint(IDLE)  # noqa: F821
            value = uint(0)  # noqa: F821
        else:
            if index or not aim:
                value = uint(data[at] | data[at + 1] << 8 | data[at + 2] << 16 | data[at + 3] << 24)  # noqa: F821
                at += 4
            fold = value ^ value >> 16
            fold ^= fold >> 8
            fold ^= fold >> 4
            parity = 0x6996 >> int(fold & 15) & 1
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
        command = request
        index += 1
    pio[_FDEBUG] = _TX_STALL
    turns = limit
    while not (pio[_FDEBUG] & _TX_STALL and pio[_FSTAT] & _TX_EMPTY):
        turns -= 1
        if turns == 0:
            return _STUCK
    return count


# What read_words() gives beside a count of answers.
DAMAGED = const(1 << 20)  # the next answer came with bad parity
FOLLOWED = const(1 << 21)  # and one more had been asked for by then, whose answer is still to come
NOT_AIMED = const(1 << 22)  # the write to TAR was refused; the machine is at HALT


# The hot loop of reading. A request takes two words of the FIFO, its answer two of the other one: data, then parity and
# turnaround. With `ahead` 2 the machine has its next request before this answer is looked at, and SWCLK does not wait
# for us; FIFOs of four words hold just that. What it costs: behind a damaged answer the chip has gone on, and RESEND
# would give another word. So only those ask ahead who can begin anew from an address.
@micropython.viper
def read_words(
    pio: ptr32,  # noqa: F821
    data: ptr8,  # noqa: F821
    value: uint,  # noqa: F821
    total: int,
    skip: int,
    request: uint,  # noqa: F821
    last: uint,  # noqa: F821
    aim: uint,  # noqa: F821
    ahead: int,
    limit: int,
) -> int:
    """Asks `total` times, at least once, by `request`, the last time by `last`; idle clocks go behind that. The first
    `skip` answers are thrown away (a read of an AP is posted), the others go to `data`. With `aim`, a request other
    than 0, `value` is written first, by that: TAR. `ahead`: how many requests may be under way, 1 or 2.

    Returns how many answers are good: `total`; fewer with the machine at HALT, or with bits as above; a number below 0
    when the machine is stuck."""
    asked = 0
    got = 0
    at = 0
    good = total
    turns = limit
    if aim:
        fold = value ^ value >> 16
        fold ^= fold >> 8
        fold ^= fold >> 4
        pio[_TXF0] = int(aim)
        pio[_TXF0] = int(value)
        pio[_TXF0] = 0x6996 >> int(fold & 15) & 1
        while pio[_FLEVEL] & 15 > 1:
            if pio[_SM0_ADDR] == _HALT:
                return NOT_AIMED
            turns -= 1
            if turns == 0:
                return _STUCK
    while got < total:
        while asked < total and asked < got + ahead:
            asked += 1
            if asked == total:
                request = last
            turns = limit
            while pio[_FLEVEL] & 15 > 2:
                turns -= 1
                if turns == 0:
                    return _STUCK
            pio[_TXF0] = int(request)
            pio[_TXF0] = _PARITY_IN
        if got == total - 1:
            turns = limit
            while pio[_FLEVEL] & 15 > 1:
                turns -= 1
                if turns == 0:
                    return _STUCK
            pio[_TXF0] = IDLE
            pio[_TXF0] = 0
            pio[_TXF0] = 0
        turns = limit
        while pio[_FSTAT] & _RX_EMPTY:
            # Looked at twice: an interrupt between may take as long as an answer and the refusal of the next one.
            if pio[_SM0_ADDR] == _HALT and pio[_FSTAT] & _RX_EMPTY:
                return got
            turns -= 1
            if turns == 0:
                return _STUCK
        value = uint(pio[_RXF0])  # noqa: F821
        fold = value ^ value >> 16
        fold ^= fold >> 8
        fold ^= fold >> 4
        parity = 0x6996 >> int(fold & 15) & 1
        while pio[_FSTAT] & _RX_EMPTY:
            turns -= 1
            if turns == 0:
                return _STUCK
        # Two bits came: the parity is bit 30, the turnaround bit 31.
        if int(uint(pio[_RXF0]) >> 30 & 1) != parity and got >= skip:  # noqa: F821
            good = got | DAMAGED
            break
        if got >= skip:
            data[at] = int(value & 0xFF)
            data[at + 1] = int(value >> 8 & 0xFF)
            data[at + 2] = int(value >> 16 & 0xFF)
            data[at + 3] = int(value >> 24 & 0xFF)
            at += 4
        got += 1
    if good != total and got < total - 1:
        if asked > got + 1:
            return good | FOLLOWED
        pio[_TXF0] = IDLE
        pio[_TXF0] = 0
        pio[_TXF0] = 0
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
