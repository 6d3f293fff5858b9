"""An ST-Link-like probe in software: it finds the debug port, selects access ports and moves memory by itself.

The commands and their layout are those that OpenOCD's stlink_usb.c and pyOCD's stlink.py send; ST has not published
them. Where both leave open what the firmware does, the stricter of two ways is taken: an access port that was not
opened is refused, and a sticky error stays until somebody clears it.
"""

from __future__ import annotations

from collections.abc import Callable

from bmsrescue.twin.board.unit import Unit
from bmsrescue.twin.probes.swd_line import FAULT, OK, PARITY, WAIT, SwdLine

_FULL_SPEED_NS, _HIGH_SPEED_NS = 1_000_000, 250_000  # a command and its answer
_BYTE_NS = {64: 1_000, 512: 50}  # of data, by the size of the bus's packets
_DFU, _DEBUG = 0x00, 0x02
_FINE = 0x80
_GOOD = b"\x80\x00"
_IDCODE_ERROR, _DEBUG_POWER_ERROR, _BAD_AP, _UNKNOWN = 0x09, 0x0B, 0x1D, 0x42
_AP_STATUS = {WAIT: 0x10, FAULT: 0x11, PARITY: 0x13}
_DP_STATUS = {WAIT: 0x14, FAULT: 0x15, PARITY: 0x17}
_AP_ERROR, _DP_ERROR = 0x12, 0x16
_DP = 0xFFFF
_AP_BIT, _READ = 1, 2
_ABORT, _CTRL_STAT, _SELECT, _RDBUFF = 0x0, 0x4, 0x8, 0xC
_CSW, _TAR, _DRW = 0x0, 0x4, 0xC
_POWER_UP, _POWERED = 0x50000000, 0xA0000000
_CLEAR_STICKY = 0x1E
_CSW_DEFAULT = 0x23000000
_SINGLE = 0x10
_SIZE_BITS = {1: 0, 2: 1, 4: 2}
_PAGE = 0x400
_V2_HZ = {0: 4_000_000, 1: 1_800_000, 2: 1_200_000, 3: 950_000, 7: 480_000, 15: 240_000, 31: 125_000, 40: 100_000}
_V3_KHZ = (24_000, 8_000, 3_300, 1_000, 200, 50, 5)
_REFERENCE = 1489  # what its ADC reads of 1.2 V
_SETUP_NS = 10_000_000  # a connector that is entered anew


class Stlink:
    """`jtag`: of the firmware, the number behind J. `commands` counts what the host has sent.

    follows: False for the kind of clone whose VTref pin is its own 3.3 V.
    """

    def __init__(
        self, unit: Unit, serial: str = "066DFF0001", hardware: int = 2, jtag: int = 45, follows: bool = True
    ) -> None:
        self.vid, self.version = 0x0483, 0x0100
        self.pid = 0x374B if hardware == 2 else 0x374F
        self.strings = ("STMicroelectronics", "STM32 STLink", serial, "ST-Link")
        self.out_ep, self.in_ep = 0x01, 0x81
        self.packet_bytes = 64 if hardware == 2 else 512
        self.commands = 0
        self._hardware, self._jtag, self._follows = hardware, jtag, follows
        self._unit = unit
        self._line = SwdLine(unit.swd)
        self._command_ns = _FULL_SPEED_NS if hardware == 2 else _HIGH_SPEED_NS
        self._mode = _DFU
        self._open: set[int] = set()
        self._select: int | None = None
        self._status = (_FINE, 0)  # of the last memory access, and where it failed
        self._write: Callable[[bytes], None] | None = None  # what the data that come next are for
        self._debug: dict[int, Callable[[bytes], bytes | None]] = {
            0x07: lambda command: self._read_memory(command, 4),
            0x0C: lambda command: self._read_memory(command, 1),
            0x47: lambda command: self._read_memory(command, 2),
            0x08: lambda command: self._expect_data(command, 4),
            0x0D: lambda command: self._expect_data(command, 1),
            0x48: lambda command: self._expect_data(command, 2),
            0x21: self._exit,
            0x30: self._enter,
            0x3C: self._drive_nrst,
            0x3E: lambda _: self._last_status(),
            0x43: self._set_v2_clock,
            0x45: self._read_register,
            0x46: self._write_register,
            0x4B: self._open_ap,
            0x4C: self._close_ap,
            0x61: self._set_v3_clock,
            0x62: self._v3_clocks,
            0x63: lambda _: _GOOD + bytes(6),
        }

    def take(self, data: bytes) -> list[bytes]:
        clock = self._unit.clock
        if self._write is not None:
            write, self._write = self._write, None
            clock.advance(len(data) * _BYTE_NS[self.packet_bytes])
            write(data)
            return []
        self.commands += 1
        clock.advance(self._command_ns)
        answer = self._command(data)
        if answer is None:
            return []
        clock.advance(len(answer) * _BYTE_NS[self.packet_bytes])
        return [answer]

    def _command(self, data: bytes) -> bytes | None:
        if data[0] == 0xF1:
            packed = self._hardware << 12 | (self._jtag if self._hardware < 3 else 0) << 6
            return packed.to_bytes(2, "big") + bytes(4)
        if data[0] == 0xFB:
            return bytes([self._hardware, 0, self._jtag, 0, 0, 0]) + bytes(6)
        if data[0] == 0xF5:
            return bytes([self._mode, 0])
        if data[0] == 0xF7:
            mv = self._unit.rail_mv("v3v3") if self._follows else 3300
            return _REFERENCE.to_bytes(4, "little") + (mv * _REFERENCE // 2400).to_bytes(4, "little")
        if data[0] == 0xF3:  # leaves DFU
            self._mode = 0x01
            return None
        command = self._debug.get(data[1]) if data[0] == 0xF2 else None
        return command(data) if command else bytes([_UNKNOWN, 0])

    # -- the debug port ------------------------------------------------------------------------------------------------

    def _enter(self, command: bytes) -> bytes:
        self._unit.clock.advance(_SETUP_NS)
        self._line.is_on = True
        self._mode = _DEBUG
        self._open.clear()
        self._select = None
        self._line.jtag_to_swd()
        ack, _ = self._line.transfer(_READ)
        if ack != OK:
            self._line.line_reset()
            ack, _ = self._line.transfer(_READ)
        if ack != OK:
            return bytes([_IDCODE_ERROR, 0])
        self._line.transfer(_ABORT, _CLEAR_STICKY)
        self._choose(0, 0)
        self._line.transfer(_CTRL_STAT, _POWER_UP)
        for _ in range(100):
            ack, value = self._line.transfer(_CTRL_STAT | _READ)
            if ack == OK and value & _POWERED == _POWERED:
                return _GOOD
        return bytes([_DEBUG_POWER_ERROR, 0])

    def _exit(self, _: bytes) -> None:
        self._mode = 0x01
        self._line.is_on = False

    def _drive_nrst(self, command: bytes) -> bytes:
        self._unit.set_nrst(command[2] == 0)
        return _GOOD

    def _set_v2_clock(self, command: bytes) -> bytes:
        self._line.pins.frequency_hz = _V2_HZ.get(command[2], 100_000)
        return _GOOD

    def _set_v3_clock(self, command: bytes) -> bytes:
        wanted = int.from_bytes(command[4:8], "little")
        khz = max((step for step in _V3_KHZ if step <= wanted), default=_V3_KHZ[-1])
        self._line.pins.frequency_hz = 1000 * khz
        return _GOOD + bytes(2) + khz.to_bytes(4, "little")

    def _v3_clocks(self, _: bytes) -> bytes:
        now = self._line.pins.frequency_hz // 1000
        words = (now, len(_V3_KHZ), *_V3_KHZ)
        return (_GOOD + bytes(2) + b"".join(word.to_bytes(4, "little") for word in words)).ljust(52, b"\0")

    # -- registers -----------------------------------------------------------------------------------------------------

    def _choose(self, ap: int, bank: int) -> int:
        value = ap << 24 | bank << 4
        if value == self._select:
            return OK
        ack, _ = self._line.transfer(_SELECT, value)
        self._select = value if ack == OK else None
        return ack

    def _read_register(self, command: bytes) -> bytes:
        port, address = int.from_bytes(command[2:4], "little"), int.from_bytes(command[4:6], "little")
        if port == _DP:
            ack, value = self._line.transfer(address & 0xC | _READ)
        elif port not in self._open:
            return bytes([_BAD_AP, 0]) + bytes(6)
        else:
            ack = self._choose(port, address >> 4)
            if ack == OK:
                ack, _ = self._line.transfer(address & 0xC | _READ | _AP_BIT)
            value = 0
            if ack == OK:
                ack, value = self._line.transfer(_RDBUFF | _READ)
        return _register_status(ack, port) + bytes(2) + value.to_bytes(4, "little")

    def _write_register(self, command: bytes) -> bytes:
        port, address = int.from_bytes(command[2:4], "little"), int.from_bytes(command[4:6], "little")
        value = int.from_bytes(command[6:10], "little")
        if port == _DP:
            ack, _ = self._line.transfer(address & 0xC, value)
            if address & 0xC == _SELECT:
                self._select = None
            return _register_status(ack, port)
        if port not in self._open:
            return bytes([_BAD_AP, 0])
        ack = self._choose(port, address >> 4)
        if ack == OK:
            ack, _ = self._line.transfer(address & 0xC | _AP_BIT, value)
        if ack == OK:
            ack, _ = self._line.transfer(_RDBUFF | _READ)
        return _register_status(ack, port)

    def _open_ap(self, command: bytes) -> bytes:
        self._open.add(command[2])
        return _GOOD

    def _close_ap(self, command: bytes) -> bytes:
        self._open.discard(command[2])
        return _GOOD

    # -- memory --------------------------------------------------------------------------------------------------------

    def _last_status(self) -> bytes:
        status, address = self._status
        return bytes([status, 0, 0, 0]) + address.to_bytes(4, "little") + bytes(4)

    def _aim(self, command: bytes, size: int) -> int | None:
        """Access port and CSW of a memory command; None, with the status set, where it cannot be."""
        ap = command[8]
        if ap not in self._open:
            self._status = (_BAD_AP, int.from_bytes(command[2:6], "little"))
            return None
        wanted = int.from_bytes(b"\0" + command[9:12], "little") or _CSW_DEFAULT
        ack = self._choose(ap, 0)
        if ack == OK:
            ack, _ = self._line.transfer(_CSW | _AP_BIT, wanted | _SINGLE | _SIZE_BITS[size])
        if ack != OK:
            self._status = (_AP_STATUS.get(ack, _AP_ERROR), int.from_bytes(command[2:6], "little"))
            return None
        self._status = (_FINE, 0)
        return ap

    def _read_memory(self, command: bytes, size: int) -> bytes:
        address, length = int.from_bytes(command[2:6], "little"), int.from_bytes(command[6:8], "little")
        data = bytearray()
        if self._aim(command, size) is not None:
            while len(data) < length and self._status[0] == _FINE:
                if size == 4:
                    data += self._read_page(address + len(data), length - len(data))
                else:
                    word = self._read_one(address + len(data), not data)
                    data += (word >> 8 * (address + len(data) & 3)).to_bytes(4, "little")[:size]
        return bytes(data[:length].ljust(length, b"\0"))

    def _read_page(self, address: int, length: int) -> bytes:
        count = min(length, _PAGE - (address & _PAGE - 1)) // 4
        ack, _ = self._line.transfer(_TAR | _AP_BIT, address)
        words = b""
        if ack == OK:
            ack, words = self._line.read_words(_DRW | _READ | _AP_BIT, count)
        self._went(ack, address + len(words))
        return words

    def _read_one(self, address: int, first: bool) -> int:
        ack = OK
        if first or not address & _PAGE - 1:
            ack, _ = self._line.transfer(_TAR | _AP_BIT, address)
        if ack == OK:
            ack, _ = self._line.transfer(_DRW | _READ | _AP_BIT)
        word = 0
        if ack == OK:
            ack, word = self._line.transfer(_RDBUFF | _READ)
        self._went(ack, address)
        return word

    def _expect_data(self, command: bytes, size: int) -> None:
        self._write = lambda data: self._write_memory(command, size, data)

    def _write_memory(self, command: bytes, size: int, data: bytes) -> None:
        address = int.from_bytes(command[2:6], "little")
        if self._aim(command, size) is None:
            return
        for at in range(0, len(data), size):
            here = address + at
            ack = OK
            if not at or not here & _PAGE - 1:
                ack, _ = self._line.transfer(_TAR | _AP_BIT, here)
            word = int.from_bytes(data[at : at + size], "little") << 8 * (here & 3)
            if ack == OK:
                ack, _ = self._line.transfer(_DRW | _AP_BIT, word)
            if not self._went(ack, here):
                return
        ack, _ = self._line.transfer(_RDBUFF | _READ)
        self._went(ack, address + max(len(data) - size, 0))

    def _went(self, ack: int, address: int) -> bool:
        if ack != OK:
            self._status = (_AP_STATUS.get(ack, _AP_ERROR), address)
        return ack == OK


def _register_status(ack: int, port: int) -> bytes:
    if ack == OK:
        return _GOOD
    known, otherwise = (_DP_STATUS, _DP_ERROR) if port == _DP else (_AP_STATUS, _AP_ERROR)
    return bytes([known.get(ack, otherwise), 0])
