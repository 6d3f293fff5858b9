"""An SDHC card in SPI mode, byte by byte, over an image in memory.

SD Physical Layer Simplified Specification, chapter 7.

Checksums are checked once the host has switched them on (CMD59), as a real card does.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Final

from bmsrescue.card.image_bytes import ImageBytes

BLOCK_BYTES: Final = 512

_IDLE: Final = 0x01
_ILLEGAL: Final = 0x04
_CRC_ERROR: Final = 0x08
_PARAMETER_ERROR: Final = 0x40
_TOKEN: Final = 0xFE
_TOKEN_MULTI: Final = 0xFC
_TOKEN_STOP: Final = 0xFD
_TAKEN: Final = 0x05
_CRC_REFUSED: Final = 0x0B
_WRITE_REFUSED: Final = 0x0D
_BUSY: Final = 0x00
_NOTHING: Final = 0xFF
_VOLTAGE: Final = 0x1AA
_OCR: Final = bytes((0xC0, 0xFF, 0x80, 0x00))  # powered up, block addresses
_COMMANDS_TO_READY: Final = 3  # ACMD41 answers "idle" that often


def crc7(frame: bytes) -> int:
    """The last byte of a command: CRC7 and the end bit."""
    crc = 0
    for byte in frame:
        crc ^= byte
        for _ in range(8):
            crc = (crc << 1 ^ 0x12 if crc & 0x80 else crc << 1) & 0xFF
    return crc | 1


def _crc16_table() -> Iterator[int]:
    for index in range(256):
        crc = index << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
        yield crc


_CRC16: Final = tuple(_crc16_table())


def crc16(block: bytes) -> int:
    """CRC16 (CCITT, from 0) of a data block."""
    crc = 0
    for byte in block:
        crc = (crc << 8 & 0xFF00) ^ _CRC16[crc >> 8 ^ byte]
    return crc


class SpiSdCard:
    """`select` and `exchange` are what the helper's pins do. Each write is told to `on_write` before it is stored.

    read_delay_bytes, busy_bytes: how long the card takes to find a block and to program one, in bytes on the bus.
    refuse_writes: answers every data block with "write error". fail_programming: takes the next block, and its status
    tells the error. present: False once it was pulled.
    """

    def __init__(
        self,
        image: ImageBytes | None,
        *,
        read_delay_bytes: int = 4,
        busy_bytes: int = 8,
        on_write: Callable[[int, bytes], None] | None = None,
    ) -> None:
        self.image: ImageBytes = bytearray() if image is None else image
        self.present = image is not None
        self.identity = bytes.fromhex("03534454574e434410deadbeef018100")  # CID: maker, name, revision, number, date
        self.refuse_writes = False
        self.fail_programming = False
        self.damage_next_read = False
        self.stuck_busy = False
        self.read_delay_bytes = read_delay_bytes
        self.busy_bytes = busy_bytes
        self.on_write = on_write
        self.commands: list[int] = []
        self.blocks_read = 0
        self.blocks_written = 0
        self._selected = False
        self.power_on()

    def power_on(self) -> None:
        """What a card just put in knows: nothing."""
        self._idle = True
        self._to_ready = _COMMANDS_TO_READY
        self._crc_on = False
        self._app = False
        self._status = 0
        self._frame = bytearray()
        self._out: deque[int] = deque()
        self._reading: int | None = None
        self._writing: int | None = None
        self._multiple = False
        self._block: bytearray | None = None

    def pull(self) -> None:
        """Take the card out of its slot."""
        self.present = False

    def put_back(self) -> None:
        """The same card, into the slot again."""
        self.present = True
        self.power_on()

    def select(self, selected: bool) -> None:
        """CS; deselected, the card ignores the clock."""
        if self._selected and not selected:
            self._frame.clear()
        self._selected = selected

    def transfer(self, data: bytes) -> bytes:
        """`exchange` of many bytes."""
        plainly_out = (
            self.present
            and self._selected
            and not self.stuck_busy
            and self._block is None
            and not self._frame
            and len(self._out) >= len(data)
            and data.count(_NOTHING) == len(data)
        )
        if plainly_out:
            take = self._out.popleft
            return bytes([take() for _ in data])
        exchange = self.exchange
        return bytes([exchange(byte) for byte in data])

    def exchange(self, sent: int) -> int:
        """One byte each way."""
        if not self.present or not self._selected:
            return _NOTHING
        if self.stuck_busy:
            return _BUSY
        answer = self._out.popleft() if self._out else self._stream()
        if self._block is not None:
            self._take(sent)
        elif self._writing is not None and sent in (_TOKEN, _TOKEN_MULTI, _TOKEN_STOP) and not self._frame:
            self._begin_block(sent)
        elif self._frame or sent & 0xC0 == 0x40:
            self._frame.append(sent)
            if len(self._frame) == 6:
                self._execute(bytes(self._frame))
                self._frame.clear()
        return answer

    # --- reading ------------------------------------------------------------------------------------------------------

    def _stream(self) -> int:
        """The next byte nobody has asked for by a command: of a multiple read, else nothing."""
        if self._reading is None:
            return _NOTHING
        self._send_block(self._reading)
        self._reading = self._reading + 1 if self._multiple else None
        return self._out.popleft()

    def _send_block(self, number: int) -> None:
        start = number * BLOCK_BYTES
        data = bytes(self.image[start : start + BLOCK_BYTES])
        if len(data) < BLOCK_BYTES:
            self._out.append(0x08)  # error token: out of range
            self._reading = None
            return
        self.blocks_read += 1
        self._out.extend((_NOTHING,) * self.read_delay_bytes)
        self._send_data(data)

    def _send_data(self, data: bytes) -> None:
        crc = crc16(data)
        if self.damage_next_read:
            self.damage_next_read = False
            crc ^= 1
        self._out.append(_TOKEN)
        self._out.extend(data)
        self._out.extend((crc >> 8, crc & 0xFF))

    # --- writing ------------------------------------------------------------------------------------------------------

    def _begin_block(self, token: int) -> None:
        if token == _TOKEN_STOP:
            self._writing = None
            self._out.extend((_NOTHING,) + (_BUSY,) * self.busy_bytes)
        else:
            self._block = bytearray()

    def _take(self, sent: int) -> None:
        block = self._block
        if block is None or self._writing is None:
            return
        block.append(sent)
        if len(block) < BLOCK_BYTES + 2:
            return
        self._block = None
        data, crc = bytes(block[:BLOCK_BYTES]), block[BLOCK_BYTES] << 8 | block[BLOCK_BYTES + 1]
        number = self._writing
        self._writing = number + 1 if self._multiple else None
        if self._crc_on and crc != crc16(data):
            self._out.append(_CRC_REFUSED)
            return
        if self.refuse_writes or (number + 1) * BLOCK_BYTES > len(self.image):
            self._out.append(_WRITE_REFUSED)
            self._status = 0x20
            return
        if self.on_write:
            self.on_write(number, data)
        if self.fail_programming:
            self.fail_programming = False
            self._status = 0x04  # of R2: a general error
        self.image[number * BLOCK_BYTES : (number + 1) * BLOCK_BYTES] = data
        self.blocks_written += 1
        self._out.append(0xE0 | _TAKEN)
        self._out.extend((_BUSY,) * self.busy_bytes)

    # --- commands -----------------------------------------------------------------------------------------------------

    def _execute(self, frame: bytes) -> None:
        index, argument = frame[0] & 0x3F, int.from_bytes(frame[1:5], "big")
        self.commands.append(index)
        app, self._app = self._app, False
        self._out.clear()
        if index == 12:
            self._reading = None
            self._out.append(0x7F)  # the rest of a byte under way
        self._out.append(_NOTHING)  # NCR
        if (self._crc_on or index in (0, 8)) and frame[5] != crc7(frame[:5]):
            self._answer(_CRC_ERROR)
            return
        handler = _APP_COMMANDS.get(index) if app else _COMMANDS.get(index)
        if handler is None or (self._idle and index not in _BEFORE_READY):
            self._answer(_ILLEGAL)
            return
        handler(self, argument)

    def _answer(self, flags: int = 0) -> None:
        self._out.append(flags | (_IDLE if self._idle else 0))

    def _go_idle(self, _argument: int) -> None:
        self.power_on()
        self._out.append(_NOTHING)
        self._answer()

    def _interface(self, argument: int) -> None:
        self._answer()
        self._out.extend((_VOLTAGE if argument == _VOLTAGE else 0).to_bytes(4, "big"))

    def _csd(self, _argument: int) -> None:
        size = -(-len(self.image) // (BLOCK_BYTES * 1024)) - 1  # in units of 512 KiB
        csd = bytearray.fromhex("400e00325b590000000000000a400001")
        csd[7:10] = size.to_bytes(3, "big")
        self._answer()
        self._send_data(bytes(csd))

    def _cid(self, _argument: int) -> None:
        self._answer()
        self._send_data(self.identity)

    def _stop(self, _argument: int) -> None:
        self._answer()
        self._out.extend((_BUSY,) * 2)

    def _send_status(self, _argument: int) -> None:
        self._answer()
        self._out.append(self._status)
        self._status = 0

    def _next_is_app(self, _argument: int) -> None:
        self._app = True
        self._answer()

    def _ocr(self, _argument: int) -> None:
        self._answer()
        self._out.extend(_OCR)

    def _crc(self, argument: int) -> None:
        self._crc_on = bool(argument & 1)
        self._answer()

    def _op_cond(self, argument: int) -> None:
        if self._to_ready and argument & 1 << 30:
            self._to_ready -= 1
        self._idle = self._to_ready > 0
        self._answer()

    def _plain(self, _argument: int) -> None:
        self._answer()

    def _start_read(self, argument: int, multiple: bool) -> None:
        if (argument + 1) * BLOCK_BYTES > len(self.image):
            self._answer(_PARAMETER_ERROR)
            return
        self._multiple = multiple
        self._reading = argument
        self._answer()

    def _start_write(self, argument: int, multiple: bool) -> None:
        if (argument + 1) * BLOCK_BYTES > len(self.image):
            self._answer(_PARAMETER_ERROR)
            return
        self._multiple = multiple
        self._writing = argument
        self._answer()


_BEFORE_READY: Final = frozenset((0, 8, 41, 55, 58, 59))
_COMMANDS: Final[dict[int, Callable[[SpiSdCard, int], None]]] = {
    0: SpiSdCard._go_idle,
    8: SpiSdCard._interface,
    9: SpiSdCard._csd,
    10: SpiSdCard._cid,
    12: SpiSdCard._stop,
    13: SpiSdCard._send_status,
    16: SpiSdCard._plain,
    17: lambda card, argument: card._start_read(argument, False),
    18: lambda card, argument: card._start_read(argument, True),
    24: lambda card, argument: card._start_write(argument, False),
    25: lambda card, argument: card._start_write(argument, True),
    55: SpiSdCard._next_is_app,
    58: SpiSdCard._ocr,
    59: SpiSdCard._crc,
}
_APP_COMMANDS: Final[dict[int, Callable[[SpiSdCard, int], None]]] = {41: SpiSdCard._op_cond}
