"""A CMSIS-DAP v2 probe in software: the commands of Arm's CMSIS-DAP document, on SWD, over bulk endpoints."""

from __future__ import annotations

from collections.abc import Callable

from bmsrescue.twin.board.unit import Unit
from bmsrescue.twin.probes.swd_line import FAULT, NO_ACK, OK, PARITY, RDBUFF_READ, WAIT, SwdLine

# A command and its answer, where the host waits for it; and in a row of whole packets, which it sends ahead.
_TURN_NS = {64: 1_000_000, 512: 250_000}
_IN_A_ROW_NS = {64: 110_000, 512: 25_000}
_PACKETS = 4
_ERROR, _DONE = 0xFF, 0x00
_SWD_PORT = 1
_TRANSFER, _BLOCK = 0x05, 0x06
_AP, _READ, _VALUE_MATCH = 1, 2, 0x10
_RDBUFF_ABORT_WRITE = 0x0
_NRESET = 0x80
_INFO = {0x01: "twin", 0x02: "CMSIS-DAP twin", 0x04: "2.1.0", 0x09: "1.0.0"}
_CAPABILITIES = 0x01  # SWD
_US = 1_000


class CmsisDap:
    """`high_speed`: packets of 512 bytes in place of 64, and a faster bus. `commands` counts what the host has sent."""

    out_ep, in_ep = 0x01, 0x81

    def __init__(
        self, unit: Unit, serial: str = "DAP0001", high_speed: bool = False, ids: tuple[int, int, int] | None = None
    ) -> None:
        self.vid, self.pid, self.version = ids or (0x0D28, 0x0204, 0x0100)
        self.strings = ("twin", "CMSIS-DAP twin", serial, "CMSIS-DAP v2")
        self.packet_bytes = 512 if high_speed else 64
        self.commands = 0
        self._in_a_row = False
        self._unit = unit
        self._line = SwdLine(unit.swd)
        self._match_retries = 0
        self._pulls_nrst = False
        self._known: dict[int, Callable[[bytes], bytes]] = {
            0x00: self._info,
            0x01: lambda _: bytes([_DONE]),
            0x02: self._connect,
            0x03: self._disconnect,
            0x04: self._configure_transfer,
            _TRANSFER: self._transfer,
            _BLOCK: self._transfer_block,
            0x08: self._write_abort,
            0x09: self._delay,
            0x10: self._pins,
            0x11: self._clock,
            0x12: self._sequence,
            0x13: lambda _: bytes([_DONE]),
            0x1D: self._swd_sequence,
        }

    def take(self, data: bytes) -> list[bytes]:
        if not data:
            return []  # a short packet's end
        self.commands += 1
        command = self._known.get(data[0])
        answer = bytes([data[0]]) + command(data[1:]) if command else bytes([_ERROR])
        # A whole packet was sent because it was full: the host goes on with the next. Another it waits for.
        whole = data[0] in (_TRANSFER, _BLOCK) and self.packet_bytes - 8 < max(len(data), len(answer))
        times = _IN_A_ROW_NS if whole and self._in_a_row else _TURN_NS
        self._in_a_row = whole
        self._unit.clock.advance(times[self.packet_bytes])
        return [answer]

    # -- the probe itself ----------------------------------------------------------------------------------------------

    def _info(self, data: bytes) -> bytes:
        wanted = data[0]
        if wanted in _INFO:
            text = _INFO[wanted].encode() + b"\0"
            return bytes([len(text)]) + text
        if wanted == 0x03:
            text = self.strings[2].encode() + b"\0"
            return bytes([len(text)]) + text
        if wanted == 0xF0:
            return bytes([1, _CAPABILITIES])
        if wanted == 0xFE:
            return bytes([1, _PACKETS])
        if wanted == 0xFF:
            return bytes([2]) + self.packet_bytes.to_bytes(2, "little")
        return bytes([0])

    def _connect(self, data: bytes) -> bytes:
        if data[0] not in (0, _SWD_PORT):
            return bytes([0])
        self._line.is_on = True
        self._set_nrst(False)  # PORT_SWD_SETUP makes it high
        return bytes([_SWD_PORT])

    def _disconnect(self, _: bytes) -> bytes:
        self._line.is_on = False
        self._set_nrst(False)
        return bytes([_DONE])

    def _configure_transfer(self, data: bytes) -> bytes:
        self._line.idle_cycles = data[0]
        self._line.retries = int.from_bytes(data[1:3], "little")
        self._match_retries = int.from_bytes(data[3:5], "little")
        return bytes([_DONE])

    def _delay(self, data: bytes) -> bytes:
        self._unit.clock.advance(int.from_bytes(data[:2], "little") * _US)
        return bytes([_DONE])

    def _pins(self, data: bytes) -> bytes:
        output, selected = data[0], data[1]
        if selected & _NRESET:
            self._set_nrst(not output & _NRESET)
            self._unit.clock.advance(int.from_bytes(data[2:6], "little") * _US)
        return bytes([_NRESET if self._unit.nrst_level else 0])

    def _set_nrst(self, low: bool) -> None:
        self._pulls_nrst = low
        self._unit.set_nrst(low)

    def _clock(self, data: bytes) -> bytes:
        self._line.pins.frequency_hz = int.from_bytes(data[:4], "little")
        return bytes([_DONE])

    # -- bits ----------------------------------------------------------------------------------------------------------

    def _sequence(self, data: bytes) -> bytes:
        if self._line.is_on:
            self._line.sequence(int.from_bytes(data[1:], "little"), data[0] or 256)
        return bytes([_DONE])

    def _swd_sequence(self, data: bytes) -> bytes:
        at, answers = 1, b""
        for _ in range(data[0]):
            bits = data[at] & 0x3F or 64
            size = (bits + 7) // 8
            if data[at] & 0x80:
                value = 0
                for bit in range(bits):
                    value |= self._line.pins.clock_in(1) << bit
                answers += value.to_bytes(size, "little")
                at += 1
            else:
                self._line.sequence(int.from_bytes(data[at + 1 : at + 1 + size], "little"), bits)
                at += 1 + size
        return bytes([_DONE]) + answers

    # -- transfers -----------------------------------------------------------------------------------------------------

    def _transfer(self, data: bytes) -> bytes:
        at, done, ack = 2, 0, OK
        answers = b""
        wrote = False
        for _ in range(data[1]):
            request = data[at]
            at += 1
            value = 0
            if not request & _READ or request & _VALUE_MATCH:
                value = int.from_bytes(data[at : at + 4], "little")
                at += 4
            ack, word = self._one(request, value)
            if ack != OK:
                break
            wrote = not request & _READ
            if request & _READ and not request & _VALUE_MATCH:
                answers += word.to_bytes(4, "little")
            done += 1
        if ack == OK and wrote:
            ack = self._check_write()
        return bytes([done, _told(ack)]) + answers

    def _transfer_block(self, data: bytes) -> bytes:
        count, request = int.from_bytes(data[1:3], "little"), data[3]
        done, ack = 0, OK
        answers = b""
        if request & _READ and request & _AP:
            ack, answers = self._line.read_words(request & 0xF, count)
            done = len(answers) // 4
            return done.to_bytes(2, "little") + bytes([_told(ack)]) + answers
        for index in range(count):
            value = int.from_bytes(data[4 + 4 * index : 8 + 4 * index], "little")
            ack, word = self._line.transfer(request & 0xF, value)
            if ack != OK:
                break
            if request & _READ:
                answers += word.to_bytes(4, "little")
            done += 1
        if ack == OK and not request & _READ:
            ack = self._check_write()
        return done.to_bytes(2, "little") + bytes([_told(ack)]) + answers

    def _one(self, request: int, value: int) -> tuple[int, int]:
        ack, word = self._line.transfer(request & 0xF, value)
        if ack == OK and request & _READ and request & _AP:
            ack, word = self._line.transfer(RDBUFF_READ)
        return ack, word

    def _check_write(self) -> int:
        return self._line.transfer(RDBUFF_READ)[0]

    def _write_abort(self, data: bytes) -> bytes:
        ack, _ = self._line.transfer(_RDBUFF_ABORT_WRITE, int.from_bytes(data[1:5], "little"))
        return bytes([_DONE if ack == OK else _ERROR])


def _told(ack: int) -> int:
    return OK | 0x08 if ack == PARITY else ack if ack in (OK, WAIT, FAULT) else NO_ACK
