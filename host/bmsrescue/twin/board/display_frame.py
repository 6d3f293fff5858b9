"""The frame the unit's firmware sends to its display, ten times a second, on USART3.

    0x55 0xAA | length | payload | CRC-16/MODBUS of length and payload, little-endian

Payload, little-endian: pack voltage in 10 mV (u16), pack current in 10 mA (i16), state of charge in percent (u8),
status bits (u8), 16 cell voltages in mV (u16 each): 38 bytes.
"""

import struct
from dataclasses import dataclass

CELLS = 16
_SYNC = b"\x55\xaa"
_PAYLOAD = struct.Struct(f"<HhBB{CELLS}H")
_OVERHEAD = len(_SYNC) + 1 + 2


@dataclass(frozen=True)
class DisplayFrame:
    """One set of values."""

    pack_mv: int
    soc_percent: int
    cells_mv: tuple[int, ...]
    current_ma: int = 0
    status: int = 0


class FrameReader:
    """Finds frames in a stream of bytes; damaged ones are dropped."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[DisplayFrame]:
        """Take more bytes; returns the frames that are complete now."""
        buffer = self._buffer
        buffer += data
        frames: list[DisplayFrame] = []
        while (start := buffer.find(_SYNC)) >= 0:
            del buffer[:start]
            if len(buffer) < _OVERHEAD:
                return frames
            end = _OVERHEAD + buffer[2]
            if len(buffer) < end:
                return frames
            body, crc = bytes(buffer[2 : end - 2]), int.from_bytes(buffer[end - 2 : end], "little")
            if crc16(body) != crc or len(body) != 1 + _PAYLOAD.size:
                del buffer[: len(_SYNC)]
                continue
            frames.append(_decode(body[1:]))
            del buffer[:end]
        del buffer[:-1]  # the last byte may be half a sync
        return frames


def crc16(data: bytes) -> int:
    """CRC-16/MODBUS: polynomial 0x8005 reflected, start 0xFFFF."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
    return crc


def _decode(payload: bytes) -> DisplayFrame:
    pack, current, soc, status, *cells = _PAYLOAD.unpack(payload)
    return DisplayFrame(pack * 10, soc, tuple(cells), current * 10, status)
