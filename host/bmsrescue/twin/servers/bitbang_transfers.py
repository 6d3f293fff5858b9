# mypy: allow-untyped-calls
"""Blocks of acknowledged transfers over ``remote_bitbang``, one round trip for each.

The agent's own layer asks twice per transfer, once for the acknowledge and once for the data. Here the data of one
transfer and the request of the next go out together, which is all that can be saved on a chip that expects no data
phase after a WAIT or a FAULT: nothing may be sent before the acknowledge is known.
"""

from __future__ import annotations

import struct
from functools import cache

from bmsrescue.agent.files import make_importable
from bmsrescue.twin.servers.bitbang_client import DRIVE, LET_GO, OUT_BYTE, SAMPLE, SKIP, BitbangPins, samples_value
from rescuelink.errors import WireError

make_importable()  # before the agent's own transfer layer can be imported

from rescue.hal.swd import SwdWire  # noqa: E402
from rescue.hal.swd_line import READ_REQUESTS, WRITE_REQUESTS  # noqa: E402

_RDBUFF = 0xC
_OK = 0b001
_WAIT = 0b010
_FAULT = 0b100

_HEAD_CYCLES = 8 + 1 + 3
"""Request, turnaround, acknowledge."""
_DATA_CYCLES = 33 + 1
"""Data, parity, and the turnaround after (read) or before (write) them."""
_IDLE_CYCLES = 8

_PARITY_BIT = (OUT_BYTE[0][:2], OUT_BYTE[1][:2])
_TURN_TO_HOST = SKIP + DRIVE
_READ_DATA = SAMPLE * 33 + _TURN_TO_HOST


class BitbangTransfers(SwdWire):
    """`SwdWire` with quicker blocks; single transfers and all rules are its own."""

    def __init__(self, pins: BitbangPins, wait_limit: int = 256) -> None:
        super().__init__(pins, wait_limit)
        self._pins = pins

    def read_block(self, ap: int, a32: int, buf: bytearray | memoryview) -> None:
        count = len(buf) // 4
        if not ap or not count:
            super().read_block(ap, a32, buf)
            return
        requests = [READ_REQUESTS[4 | a32 >> 2]] * count + [READ_REQUESTS[_RDBUFF >> 2]]
        acknowledge = self._first(requests[0])
        for index, request in enumerate(requests):
            # Reads of an AP are posted: the answer of read n is word n - 1, and RDBUFF has the last one.
            self._insist(request, acknowledge, max(index - 1, 0))
            answers = self._then(_READ_DATA, 33, requests[index + 1 : index + 2])
            data = samples_value(answers[:33])
            if data.bit_count() & 1:
                if index < count:
                    self._in(_DATA_CYCLES)  # the next transfer is under way: let it finish
                raise WireError("parity", "the chip's answer was damaged", done=max(index - 1, 0))
            if index:
                struct.pack_into("<I", buf, 4 * (index - 1), data & 0xFFFFFFFF)
            acknowledge = answers[33:]
        self.idle(_IDLE_CYCLES)

    def write_block(self, ap: int, a32: int, buf: bytes | bytearray | memoryview) -> None:
        count = len(buf) // 4
        if not count:
            return
        request = WRITE_REQUESTS[ap << 2 | a32 >> 2]
        acknowledge = self._first(request)
        for index, (word,) in enumerate(struct.iter_unpack("<I", buf)):
            # A FAULT tells of the write before this one, which the DP had taken but the bus refused.
            self._insist(request, acknowledge, index, faulted=max(index - 1, 0))
            acknowledge = self._then(_TURN_TO_HOST + data_chars(word), 0, [request] if index + 1 < count else [])
        self.idle(_IDLE_CYCLES)

    def _first(self, request: int) -> bytes:
        self._pins.drive()
        self._pins.cycles += _HEAD_CYCLES
        return self._pins.ask(_head(request), 3)

    def _then(self, data: bytes, samples: int, following: list[int]) -> bytes:
        """The data phase, and the head of the transfer after it, if there is one."""
        self._pins.cycles += _DATA_CYCLES
        if not following:
            return self._pins.ask(data, samples)
        self._pins.cycles += _HEAD_CYCLES
        return self._pins.ask(data + _head(following[0]), samples + 3)

    def _insist(self, request: int, acknowledge: bytes, done: int, faulted: int | None = None) -> None:
        """Repeat the request while it is answered WAIT; raises with `done` (after a FAULT, `faulted`) if never OK."""
        answer = samples_value(acknowledge)
        for _ in range(self.wait_limit):
            if answer != _WAIT:
                break
            self.waits += 1
            self._pins.cycles += 1 + _HEAD_CYCLES
            answer = samples_value(self._pins.ask(_TURN_TO_HOST + _head(request), 3))
        if answer == _OK:
            return
        self._pins.cycles += 1
        self._pins.ask(_TURN_TO_HOST, 0)
        error: WireError = self._refused(answer)
        error.done = faulted if faulted is not None and answer == _FAULT else done
        raise error


@cache
def _head(request: int) -> bytes:
    return OUT_BYTE[request] + LET_GO + SKIP + SAMPLE * 3


def data_chars(word: int) -> bytes:
    """The data phase of a write: 32 bits and their parity."""
    first, second, third, fourth = word.to_bytes(4, "little")
    return OUT_BYTE[first] + OUT_BYTE[second] + OUT_BYTE[third] + OUT_BYTE[fourth] + _PARITY_BIT[word.bit_count() & 1]
