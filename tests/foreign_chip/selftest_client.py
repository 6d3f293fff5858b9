"""A debugger of a hundred lines that keeps the foreign chip honest before anybody else is measured against it."""

from __future__ import annotations

import json
import socket
from typing import Any

OK, WAIT, FAULT, SILENT = 1, 2, 4, 7


class SwdFailure(Exception):
    def __init__(self, ack: int) -> None:
        super().__init__(f"ACK {ack}")
        self.ack = ack


class ControlPort:
    def __init__(self, port: int) -> None:
        self._file = socket.create_connection(("127.0.0.1", port), timeout=30).makefile("rw")

    def __call__(self, command: str) -> dict[str, Any]:
        self._file.write(command + "\n")
        self._file.flush()
        answer: dict[str, Any] = json.loads(self._file.readline())
        return answer


class Debugger:
    """Bits as remote_bitbang characters, one transfer per round trip; WAIT is tried again."""

    def __init__(self, port: int, waits_to_bear: int = 10_000) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._waits_to_bear = waits_to_bear
        self.sample = b"dcf"

    # -- wire

    def out(self, value: int, count: int) -> None:
        bits = [value >> i & 1 for i in range(count)]
        self._socket.sendall(b"O" + b"".join(b"eg" if bit else b"df" for bit in bits))

    def into(self, count: int) -> int:
        self._socket.sendall(b"o" + self.sample * count)
        answer = b""
        while len(answer) < count:
            answer += self._socket.recv(count - len(answer))
        return sum((character & 1) << i for i, character in enumerate(answer))

    def exchange(self, characters: bytes, answers: int) -> bytes:
        """Sends them as they are; returns that many samples."""
        self._socket.sendall(characters)
        answer = b""
        while len(answer) < answers:
            answer += self._socket.recv(answers - len(answer))
        return answer

    def nrst(self, low: bool) -> None:
        self._socket.sendall(b"s" if low else b"r")
        self.sync()

    def sync(self) -> None:
        """Returns when the chip has seen everything sent so far; no clock."""
        self._socket.sendall(b"c")
        self._socket.recv(1)

    def line_reset(self) -> None:
        self.out((1 << 56) - 1, 56)
        self.out(0, 4)

    def jtag_to_swd(self) -> None:
        self.out((1 << 56) - 1, 56)
        self.out(0xE79E, 16)
        self.line_reset()

    # -- transfers

    def transfer(self, is_ap: bool, register: int, value: int | None = None, data_phase_always: bool = False) -> int:
        is_read = value is None
        header = int(is_ap) | int(is_read) << 1 | (register >> 2) << 2
        request = 0x81 | header << 1 | (header.bit_count() & 1) << 5
        for _ in range(self._waits_to_bear):
            self.out(request, 8)
            ack = self.into(4) >> 1
            if ack != OK and not data_phase_always:
                self.into(1)
            elif is_read or ack == SILENT:
                data = self.into(34)
            else:
                self.into(1)
                word = value or 0
                self.out(word | (word.bit_count() & 1) << 32, 33)
                data = 0
            if ack == WAIT:
                continue
            if ack != OK:
                raise SwdFailure(ack)
            if is_read and data.bit_count() - (data >> 33 & 1) & 1:
                raise SwdFailure(-1)
            return data & 0xFFFF_FFFF
        raise SwdFailure(WAIT)

    def connect(self) -> int:
        self.jtag_to_swd()
        dpidr = self.transfer(False, 0)
        self.transfer(False, 0, 0x1E)
        self.transfer(False, 8, 0)
        self.transfer(False, 4, 0x5000_0000)
        self.select_ap(0)
        return dpidr

    def ctrl_stat(self) -> int:
        return self.transfer(False, 4)

    def clear_sticky(self) -> None:
        self.transfer(False, 0, 0x1E)

    def select_ap(self, index: int) -> None:
        self.transfer(False, 8, index << 24)
        self.transfer(True, 0, 0x8000_0002 if index == 2 else 0x2300_0012)

    def ap_register(self, index: int, register: int) -> int:
        self.transfer(False, 8, index << 24 | register & 0xF0)
        self.transfer(True, register & 0xC)
        value = self.transfer(False, 0xC)
        self.transfer(False, 8, 0)
        return value

    def read(self, address: int) -> int:
        self.transfer(True, 4, address)
        self.transfer(True, 0xC)
        return self.transfer(False, 0xC)

    def write(self, address: int, *words: int) -> None:
        """Up to 1 KiB from an aligned address."""
        self.transfer(True, 4, address)
        for word in words:
            self.transfer(True, 0xC, word)
        self.transfer(False, 0xC)
