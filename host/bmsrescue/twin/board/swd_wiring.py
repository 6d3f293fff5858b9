"""Wiring faults on the two SWD wires, as a wrapper of the chip's pins."""

from __future__ import annotations

from collections.abc import Callable
from math import log
from random import Random
from typing import TYPE_CHECKING

from ..clock import VirtualClock
from .faults import BoardFaults, ContactLoss

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


def one_open(clock: VirtualClock, pins: SwdPins) -> SwdPins:
    """SWDIO not connected: the helper reads its own pull-up. SWCLK not: the chip's, and it never drives."""
    return _Crossed(clock, pins.frequency_hz, 1)


class _Buffered:
    """Wires that are off at times, as through a buffer that is off while NRST is low: nobody hears anything then."""

    def __init__(self, clock: VirtualClock, pins: SwdPins, is_off: Callable[[], bool]) -> None:
        self._pins = pins
        self._off = _Crossed(clock, pins.frequency_hz, 1)
        self._is_off = is_off

    @property
    def _now(self) -> SwdPins:
        return self._off if self._is_off() else self._pins

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
        """How many bits pass before the next error."""
        self._good_bits = cycles_until(self._rate, self._rng)


_CLOCK_REFERENCE_HZ = 4_000_000


class DoubledClocks:
    """Ringing on SWCLK: now and then the chip counts one cycle twice. rate * (f / 4 MHz)^2 per cycle, and `always`
    whatever the clock."""

    def __init__(self, pins: SwdPins, rate: float, rng: Random, always: float = 0.0) -> None:
        self._pins = pins
        self._at_reference = rate
        self._always = always
        self._rng = rng
        self._good = 0
        self.doubled = 0
        """How many cycles were counted twice so far."""
        self.frequency_hz = pins.frequency_hz

    @property
    def frequency_hz(self) -> int:
        return self._pins.frequency_hz

    @frequency_hz.setter
    def frequency_hz(self, hz: int) -> None:
        self._pins.frequency_hz = hz
        self._rate = min(0.5, self._at_reference * (hz / _CLOCK_REFERENCE_HZ) ** 2 + self._always)
        self._good = cycles_until(self._rate, self._rng)

    @property
    def released_level(self) -> int:
        return self._pins.released_level

    def clock_out(self, value: int, count: int) -> None:
        done = 0
        while count - done > self._good:
            many = self._good + 1
            self._pins.clock_out(value >> done & ((1 << many) - 1), many)
            done += many
            self._pins.clock_out(value >> (done - 1) & 1, 1)
            self._again()
        if count > done:
            self._pins.clock_out(value >> done, count - done)
            self._good -= count - done

    def clock_in(self, count: int) -> int:
        value = done = 0
        while count - done > self._good:
            many = self._good + 1
            value |= self._pins.clock_in(many) << done
            done += many
            self._pins.clock_in(1)
            self._again()
        if count > done:
            value |= self._pins.clock_in(count - done) << done
            self._good -= count - done
        return value

    def _again(self) -> None:
        self.doubled += 1
        self._good = cycles_until(self._rate, self._rng)


class Contact:
    """Whether SWCLK has contact now: it is lost as `ContactLoss` says, counted from `begin`."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self._loss: ContactLoss | None = None
        self._begun_ns: int | None = None

    def begin(self, loss: ContactLoss | None, *, in_flash_work: bool) -> None:
        """Power came, or the flash has begun to work: count from now, unless that has begun already."""
        if loss is not self._loss:
            self._loss, self._begun_ns = loss, None
        if loss is not None and loss.in_flash_work == in_flash_work and self._begun_ns is None:
            self._begun_ns = self._clock.now_ns

    @property
    def lost(self) -> bool:
        """Is the wire off at this moment?"""
        if self._loss is None or self._begun_ns is None:
            return False
        since_ms = (self._clock.now_ns - self._begun_ns) / 1e6 - self._loss.at_ms
        if since_ms >= 0 and self._loss.every_ms is not None:
            since_ms %= self._loss.every_ms
        return 0 <= since_ms < self._loss.for_ms


def cycles_until(rate: float, rng: Random) -> int:
    """How many cycles pass before the next event of that rate: a geometric draw, so that good ones cost nothing."""
    return 1 << 62 if rate <= 0.0 else int(log(1.0 - rng.random()) / log(1.0 - rate))


_LOGIC_V = 3.3
_TRANSLATOR_OHM = 10_000.0
_STICKY_V, _STICKY_OHM = 2.2, 10_000.0  # RP2350 A2, E9: what a pad under its pull-down holds itself at


def levels_under_pull(chip: Stm32H7, faults: BoardFaults, pulled_up: bool) -> tuple[bool, bool]:
    """SWDIO and SWCLK at the helper, both let go, under its weak pull.

    The chip pulls SWDIO up and SWCLK down, a little stronger than most helpers do; the board may have pulls of its own.
    What an output of the chip drives is stronger than them all.
    """
    pull = faults.chip_pull_ohm
    swdio = chip.pin("PA13")
    if swdio is None and not chip.swd.released_level:
        swdio = False
    on_swdio = [(_LOGIC_V, pull)]
    on_swclk = [(0.0, pull)]
    if faults.swdio_pull_up_ohm is not None:
        on_swdio.append((_LOGIC_V, faults.swdio_pull_up_ohm))
    if faults.swclk_pull_up_ohm is not None:
        on_swclk.append((_LOGIC_V, faults.swclk_pull_up_ohm))
    if faults.swclk_pull_down_ohm is not None:
        on_swclk.append((0.0, faults.swclk_pull_down_ohm))
    if faults.swd_translator:
        on_swdio.append((_LOGIC_V, _TRANSLATOR_OHM))
        on_swclk.append((_LOGIC_V, _TRANSLATOR_OHM))
    helper = (_LOGIC_V if pulled_up else 0.0, faults.helper.pull_ohm)
    if not pulled_up and faults.helper.pull_down_latches:
        helper = (_STICKY_V, _STICKY_OHM)
    threshold = faults.helper.input_threshold_v
    levels = _level(swdio, on_swdio, helper, threshold), _level(chip.pin("PA14"), on_swclk, helper, threshold)
    if faults.swd_swapped:
        return levels[1], levels[0]
    if faults.swdio_open:
        return _level(None, [], helper, threshold), levels[1]
    if faults.swclk_open:
        return levels[0], _level(None, [], helper, threshold)
    return levels


def _level(
    driven: bool | None, pulls: list[tuple[float, float]], helper: tuple[float, float], threshold_v: float
) -> bool:
    if driven is not None:
        return driven
    every = [*pulls, helper]
    conductance = sum(1.0 / ohm for _volts, ohm in every)
    return sum(volts / ohm for volts, ohm in every) / conductance > threshold_v


def wired(
    clock: VirtualClock,
    pins: SwdPins,
    faults: BoardFaults,
    rng: Random,
    in_reset: Callable[[], bool],
    contact: Contact,
) -> SwdPins:
    """The chip's pins as the helper's wires reach them; `in_reset`: whether NRST is low."""
    if faults.swd_swapped:
        return swapped(clock, pins)
    if faults.swdio_open or faults.swclk_open:
        return one_open(clock, pins)
    if faults.swd_off_in_reset:
        pins = _Buffered(clock, pins, in_reset)
    if faults.contact_loss is not None:
        pins = _Buffered(clock, pins, lambda: contact.lost)
    if faults.swd_extra_clock_rate > 0.0 or faults.swd_ringing_rate > 0.0:
        pins = DoubledClocks(pins, faults.swd_extra_clock_rate, rng, faults.swd_ringing_rate)
    if faults.swd_bit_error_rate > 0.0:
        pins = NoisyPins(pins, faults.swd_bit_error_rate, rng)
    return pins
