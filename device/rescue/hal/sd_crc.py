# The SD card's two checksums, in viper: CRC7 over a command, CRC16 (CCITT) over a block. SD Physical Layer
# Simplified Specification 4.5. About 0.1 ms per block on an RP2040.

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
    """x^16 + x^12 + x^5 + 1, from 0: four exclusive-ors per byte instead of eight shifts."""
    crc = 0
    for index in range(count):
        crc = (crc >> 8 | crc << 8) & 0xFFFF ^ int(block[index])
        crc ^= (crc & 0xFF) >> 4
        crc ^= crc << 12 & 0xFFFF
        crc ^= (crc & 0xFF) << 5
    return crc
