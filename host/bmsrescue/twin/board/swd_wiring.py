"""Wiring faults on the two SWD wires, as a wrapper of the chip's pins."""

from __future__ import annotations

from collections.abc import Callable
from math import log
from random import Random
from typing import TYPE_CHECKING

from ..clock import VirtualClock
from .faults import BoardFaults

if TYPE_CHECKING:
    from bmsrescue.twin.chip.stm32h7 import Stm32H7
    from bmsrescue.twin.chip.swd.pins import SwdPins

_REFERENCE_HZ = 1_000_000
_NS = 1_000_000_000


class _Crossed:
    """The chip never sees a clock that means anything; cycles still take their time."""

    def __init__(self, clock: VirtualClock, frequency_hz: int, idle: int) -> None:
        self._clock = clock
        self._idle = idle
        self.frequency_hz = frequency_hz

    @property
    def released_level(self) -> int:
        return self._idle

    def clock_out(self, value: int, count: int) -> None:
        self._clock.advance(count * _NS // self.frequency_hz)

    def clock_in(self, count: int) -> int:
        self._clock.advance(count * _NS // self.frequency_hz)
        return ((1 << count) - 1) * self._idle


def swapped(clock: VirtualClock, pins: SwdPins) -> SwdPins:
    """SWDIO and SWCLK exchanged: the helper listens on the chip's SWCLK, which has a pull-down, and reads zeros."""
    return _Crossed(clock, pins.frequency_hz, 0)


def data_open(clock: VirtualClock, pins: SwdPins) -> SwdPins:
    """SWDIO not connected: the helper reads its own pull-up."""
    return _Crossed(clock, pins.frequency_hz, 1)


class _Buffered:
    """A buffer in the wires that is off while NRST is low: nobody hears anything then."""

    def __init__(self, clock: VirtualClock, pins: SwdPins, in_reset: Callable[[], bool]) -> None:
        self._pins = pins
        self._off = _Crossed(clock, pins.frequency_hz, 1)
        self._in_reset = in_reset

    @property
    def _now(self) -> SwdPins:
        return self._off if self._in_reset() else self._pins

    @property
    def frequency_hz(self) -> int:
        return self._pins.frequency_hz

    @frequency_hz.setter
    def frequency_hz(self, hz: int) -> None:
        self._pins.frequency_hz = self._off.frequency_hz = hz

    @property
    def released_level(self) -> int:
        return self._now.released_level

    def clock_out(self, value: int, count: int) -> None:
        self._now.clock_out(value, count)

    def clock_in(self, count: int) -> int:
        return self._now.clock_in(count)


class NoisyPins:
    """Bits flip at random in both directions, less often at a slower clock: rate * (f / 1 MHz)^2 per bit."""

    def __init__(self, pins: SwdPins, error_rate: float, rng: Random) -> None:
        self._pins = pins
        self._error_rate = error_rate
        self._rng = rng
        self._frequency_hz = 0
        self._good_bits = 0
        self.flipped = 0
        """How many bits were turned so far."""
        self.frequency_hz = pins.frequency_hz

    @property
    def frequency_hz(self) -> int:
        return self._frequency_hz

    @frequency_hz.setter
    def frequency_hz(self, hz: int) -> None:
        self._frequency_hz = hz
        self._pins.frequency_hz = hz
        self._rate = min(0.5, self._error_rate * (hz / _REFERENCE_HZ) ** 2)
        self._draw()

    @property
    def released_level(self) -> int:
        return self._pins.released_level

    def clock_out(self, value: int, count: int) -> None:
        self._pins.clock_out(value ^ self._errors(count), count)

    def clock_in(self, count: int) -> int:
        return self._pins.clock_in(count) ^ self._errors(count)

    def _errors(self, count: int) -> int:
        mask, position = 0, self._good_bits
        while position < count:
            mask |= 1 << position
            self.flipped += 1
            self._draw()
            position += 1 + self._good_bits
        self._good_bits = position - count
        return mask

    def _draw(self) -> None:
        """How many bits pass before the next error (a geometric draw, so that good bits cost nothing)."""
        if self._rate <= 0.0:
            self._good_bits = 1 << 62
        else:
            self._good_bits = int(log(1.0 - self._rng.random()) / log(1.0 - self._rate))


def levels_under_pull(chip: Stm32H7, faults: BoardFaults, pulled_up: bool) -> tuple[bool, bool]:
    """SWDIO and SWCLK at the helper, both let go, under its weak pull.

    The chip's own pulls, SWDIO up and SWCLK down, are stronger than a helper's; its outputs are stronger still.
    """
    swdio, swclk = bool(chip.swd.released_level), False
    driven = chip.pin("PA13"), chip.pin("PA14")
    swdio = swdio if driven[0] is None else driven[0]
    swclk = swclk if driven[1] is None else driven[1]
    if faults.swd_swapped:
        return swclk, swdio
    return pulled_up if faults.swdio_open else swdio, swclk


def wired(
    clock: VirtualClock, pins: SwdPins, faults: BoardFaults, rng: Random, in_reset: Callable[[], bool]
) -> SwdPins:
    """The chip's pins as the helper's wires reach them; `in_reset`: whether NRST is low."""
    if faults.swd_swapped:
        return swapped(clock, pins)
    if faults.swdio_open:
        return data_open(clock, pins)
    if faults.swd_off_in_reset:
        return _Buffered(clock, pins, in_reset)
    if faults.swd_bit_error_rate > 0.0:
        return NoisyPins(pins, faults.swd_bit_error_rate, rng)
    return pins
