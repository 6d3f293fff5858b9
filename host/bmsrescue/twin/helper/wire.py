"""The helper's SWD pins on the twin's chip, and the calls `WIRE_*`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from bmsrescue.agent.files import make_importable
from bmsrescue.twin.chip.swd.port import READ_CYCLES, WRITE_CYCLES, WRITE_RUN_CYCLES
from bmsrescue.twin.helper.rpc import BlockCut, Refused, Reply
from bmsrescue.twin.helper.wired_unit import DebugWire
from rescuelink.errors import WireError

if TYPE_CHECKING:
    from bmsrescue.twin.chip.swd.port import SwdPins

# A PIO state machine at 125 MHz with four cycles per clock cannot go faster than this with a pump that keeps up.
MAX_FREQUENCY_HZ = 12_500_000
START_FREQUENCY_HZ = 1_000_000
_LONG_BYTES = 64
_RDBUFF = 0xC


class PinBits:
    """The `bits` of `rescue.hal.swd.SwdWire` over the chip's pins: counts cycles, and drives only while engaged."""

    def __init__(self, pins: SwdPins) -> None:
        self._engaged = False
        self.cycles = 0
        self.put_on(pins)
        pins.frequency_hz = START_FREQUENCY_HZ

    def put_on(self, pins: SwdPins) -> None:
        """From now on over these pins: what a judge has put before the chip's, for one."""
        self._pins = pins
        # Only the twin's own pins have these, and only where nothing stands between them and the wire.
        self._is_certain = getattr(pins, "is_certain", None)
        self._read_whole = getattr(pins, "read_whole", None)
        self._write_whole = getattr(pins, "write_whole", None)
        self._read_run = getattr(pins, "read_run", None)
        self._write_run = getattr(pins, "write_run", None)

    def engage(self) -> None:
        self._engaged = True

    def release(self) -> None:
        self._engaged = False

    def set_frequency(self, hz: int) -> int:
        self._pins.frequency_hz = min(hz, MAX_FREQUENCY_HZ)
        return self._pins.frequency_hz

    def clock_out(self, value: int, count: int) -> None:
        if not self._engaged:
            raise Refused("the agent clocks SWD with its pins released")
        self.cycles += count
        self._pins.clock_out(value, count)

    def clock_in(self, count: int) -> int:
        if not self._engaged:
            raise Refused("the agent clocks SWD with its pins released")
        self.cycles += count
        return self._pins.clock_in(count)

    def is_certain(self) -> bool:
        """Whether a write that begins now cannot fail."""
        return self._is_certain is not None and self._engaged and self._is_certain(WRITE_CYCLES)

    def read_whole(self, request: int) -> int:
        """The data, parity and turnaround of a read that the pins can tell at once, or -1."""
        if self._read_whole is None or not self._engaged:
            return -1
        data: int = self._read_whole(request)
        if data >= 0:
            self.cycles += READ_CYCLES
        return data

    def write_whole(self, request: int, value: int) -> bool:
        """Whether the pins have taken a write at once; `value` without its parity."""
        if self._write_whole is None or not self._engaged:
            return False
        taken: bool = self._write_whole(request, value | (value.bit_count() & 1) << 32)
        if taken:
            self.cycles += WRITE_RUN_CYCLES
        return taken

    def read_run(self, request: int, count: int) -> bytes:
        """The answers to up to `count` reads in a row, where the pins can tell them at once; may be empty."""
        if self._read_run is None or not self._engaged:
            return b""
        answers: bytes = self._read_run(request, count)
        self.cycles += len(answers) // 4 * READ_CYCLES
        return answers

    def write_run(self, request: int, data: bytes) -> int:
        """How many words of `data` have been written in a row, where the pins can take them at once; may be 0."""
        if self._write_run is None or not self._engaged:
            return 0
        taken: int = self._write_run(request, data)
        self.cycles += taken * WRITE_RUN_CYCLES
        return taken


def wire_over(pins: SwdPins) -> DebugWire:
    """The agent's own transfer layer, run on CPython, over the chip's pins. Transfers and long blocks are taken whole
    where that is possible."""
    make_importable()
    from rescue.hal.swd import SwdWire

    bits = PinBits(pins)
    make = cast(Callable[[PinBits], Any], SwdWire)
    unannotated = make(bits)
    unannotated.is_certain = bits.is_certain
    unannotated._acknowledged_read = partial(_read_transfer, bits, unannotated._acknowledged_read)
    unannotated._write = partial(_write_transfer, bits, unannotated._write)
    unannotated.read_block = partial(_read_block, unannotated, bits, unannotated.read_block)
    unannotated.write_block = partial(_write_block, unannotated, bits, unannotated.write_block)
    wire: DebugWire = unannotated
    wire.set_frequency(START_FREQUENCY_HZ)
    return wire


def _read_transfer(bits: PinBits, in_fields: Callable[[int], int], request: int) -> int:
    """SwdWire._acknowledged_read(), as one call of the pins where it can only succeed."""
    data = bits.read_whole(request)
    return in_fields(request) if data < 0 else data


def _write_transfer(bits: PinBits, in_fields: Callable[[int, int], None], request: int, value: int) -> None:
    """SwdWire._write(), likewise."""
    if not bits.write_whole(request, value):
        in_fields(request, value)


def _read_block(wire: Any, bits: PinBits, in_transfers: Callable[..., None], ap: int, a32: int, buf: bytearray) -> None:
    """SwdWire.read_block(): the same transfers, those that can only succeed as one call of the pins."""
    from rescue.hal.swd_line import READ_REQUESTS

    if not ap or len(buf) < _LONG_BYTES:
        in_transfers(ap, a32, buf)
        return
    request = READ_REQUESTS[ap << 2 | a32 >> 2]
    offset, end = 0, len(buf) - 4
    try:
        wire._read(request)
        while offset < end:
            data = bits.read_run(request, (end - offset) // 4) or wire._read(request).to_bytes(4, "little")
            buf[offset : offset + len(data)] = data
            offset += len(data)
        buf[offset:] = wire.read(0, _RDBUFF).to_bytes(4, "little")
    except WireError as error:
        error.done = offset >> 2
        raise


def _write_block(wire: Any, bits: PinBits, in_transfers: Callable[..., None], ap: int, a32: int, buf: bytes) -> None:
    """SwdWire.write_block(), likewise."""
    from rescue.hal.swd_line import WRITE_REQUESTS

    if not ap or len(buf) < _LONG_BYTES:
        in_transfers(ap, a32, buf)
        return
    request = WRITE_REQUESTS[ap << 2 | a32 >> 2]
    data = bytes(buf)
    offset, end = 0, len(data)
    try:
        while offset < end:
            taken = bits.write_run(request, data[offset:])
            if not taken:
                wire._write(request, int.from_bytes(data[offset : offset + 4], "little"))
                taken = 1
            offset += 4 * taken
    except WireError as error:
        # A FAULT tells of the write before this one, which the DP had taken but the bus refused.
        error.done = max((offset >> 2) - (error.kind == "fault"), 0)
        raise
    wire._end()


class WirePort:
    """The calls `WIRE_*`; `small` names the register as AP<<4 | A[3:0]."""

    def __init__(self, wire: DebugWire) -> None:
        self._wire = wire
        self.is_certain: Callable[[], bool] = getattr(wire, "is_certain", lambda: False)
        """Whether a write that follows at once cannot fail; a wire of somebody else's never says so."""

    def set_frequency(self, _small: int, number: int, _wide: int, _payload: bytes) -> Reply:
        self._wire.set_frequency(number)
        return self._wire.frequency_hz

    def engage(self, _small: int, _number: int, _wide: int, _payload: bytes) -> Reply:
        self._wire.engage()
        return 0

    def release(self, _small: int, _number: int, _wide: int, _payload: bytes) -> Reply:
        self._wire.release()
        return 0

    def line_reset(self, _small: int, _number: int, _wide: int, _payload: bytes) -> Reply:
        self._wire.line_reset()
        return 0

    def jtag_to_swd(self, _small: int, _number: int, _wide: int, _payload: bytes) -> Reply:
        self._wire.jtag_to_swd()
        return 0

    def dormant_to_swd(self, _small: int, _number: int, _wide: int, _payload: bytes) -> Reply:
        self._wire.dormant_to_swd()
        return 0

    def read(self, small: int, _number: int, _wide: int, _payload: bytes) -> Reply:
        return self._wire.read(small >> 4, small & 15)

    def write(self, small: int, number: int, _wide: int, _payload: bytes) -> Reply:
        self._wire.write(small >> 4, small & 15, number)
        return 0

    def read_block(self, small: int, number: int, _wide: int, _payload: bytes) -> Reply:
        words = bytearray(number)
        try:
            self._wire.read_block(small >> 4, small & 15, words)
        except WireError as error:
            raise BlockCut(error, bytes(words[: 4 * error.done])) from None
        return words

    def write_block(self, small: int, _number: int, _wide: int, payload: bytes) -> Reply:
        self._wire.write_block(small >> 4, small & 15, payload)
        return 0

    def idle(self, _small: int, number: int, _wide: int, _payload: bytes) -> Reply:
        self._wire.idle(number)
        return 0

    def bits_out(self, small: int, number: int, _wide: int, _payload: bytes) -> Reply:
        self._wire.bits_out(number, small)
        return 0

    def bits_in(self, small: int, _number: int, _wide: int, _payload: bytes) -> Reply:
        return self._wire.bits_in(small)

    def resends(self, _small: int, _number: int, _wide: int, _payload: bytes) -> Reply:
        return self._wire.resends

    def cycles(self, _small: int, _number: int, _wide: int, _payload: bytes) -> Reply:
        return self._wire.cycles
