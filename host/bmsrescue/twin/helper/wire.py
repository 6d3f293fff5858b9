"""The helper's SWD pins on the twin's chip, and the calls `WIRE_*`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from bmsrescue.agent_files import make_importable
from bmsrescue.twin.helper.bench_unit import DebugWire
from bmsrescue.twin.helper.rpc import BlockCut, Refused, Reply
from rescuelink.errors import WireError

if TYPE_CHECKING:
    from bmsrescue.twin.chip.swd.port import SwdPins

# A PIO state machine at 125 MHz with four cycles per clock cannot go faster than this with a pump that keeps up.
MAX_FREQUENCY_HZ = 12_500_000
START_FREQUENCY_HZ = 1_000_000


class PinBits:
    """The `bits` of `rescue.hal.swd.SwdWire` over the chip's pins: counts cycles, and drives only while engaged."""

    def __init__(self, pins: SwdPins) -> None:
        self._pins = pins
        self._engaged = False
        self.cycles = 0
        pins.frequency_hz = START_FREQUENCY_HZ

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


def wire_over(pins: SwdPins) -> DebugWire:
    """The agent's own transfer layer, run on CPython, over the chip's pins."""
    make_importable()
    from rescue.hal.swd import SwdWire

    make = cast(Callable[[PinBits], DebugWire], SwdWire)
    wire = make(PinBits(pins))
    wire.set_frequency(START_FREQUENCY_HZ)
    return wire


class WirePort:
    """The calls `WIRE_*`; `small` names the register as AP<<4 | A[3:0]."""

    def __init__(self, wire: DebugWire) -> None:
        self._wire = wire

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

    def cycles(self, _small: int, _number: int, _wide: int, _payload: bytes) -> Reply:
        return self._wire.cycles
