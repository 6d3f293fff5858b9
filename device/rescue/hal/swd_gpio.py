# SWD bits through a port's GPIO registers, in viper: about 1.5 MHz flat out on an RP2040 at 125 MHz.
# RP2040 data sheet 2.3.1.7, RP2350 data sheet 3.1.11, ESP32-S3 manual 6.14 (pins 0..31),
# STM32 manuals "GPIO registers".

import sys
import time

import micropython
from machine import Pin
from micropython import const

_SIO = const(0xD0000000)
_ESP32_S3 = const(0x60004000)
_PIECE = const(24)  # bits a viper call moves, so that no number on the way needs more than a small int
_TRIAL = const(2400)  # clocks of the speed measurement

# Word offsets of input, set and clear, and how far a pin's bit is shifted for clearing it
_RP2040 = (1, 5, 6, 0)
_RP2350 = (1, 6, 8, 0)
_ESP32 = (15, 2, 3, 0)
_STM32 = (4, 6, 6, 16)  # IDR, BSRR


def registers(swclk, swdio, platform=sys.platform, machine=sys.implementation._machine):
    """(base, offsets, SWCLK's bit, SWDIO's bit) of these pins, None where this file does not know the port."""
    if platform == "rp2":
        return _SIO, _RP2350 if "RP2350" in machine else _RP2040, 1 << swclk, 1 << swdio
    if platform == "esp32" and "ESP32S3" in machine and max(swclk, swdio) < 32:
        return _ESP32_S3, _ESP32, 1 << swclk, 1 << swdio
    if platform == "pyboard":  # every STM32
        clk, dio = Pin(swclk), Pin(swdio)
        if clk.gpio() == dio.gpio():
            return clk.gpio(), _STM32, 1 << clk.pin(), 1 << dio.pin()
    return None


@micropython.viper
def _out(gpio: ptr32, regs: ptr8, clk: uint, dio: uint, value: uint, count: int, delay: int):  # noqa: F821
    put, clear = int(regs[1]), int(regs[2])
    clk_low, dio_low = clk << uint(regs[3]), dio << uint(regs[3])  # noqa: F821
    while count:
        if value & 1:
            gpio[put] = dio
        else:
            gpio[clear] = dio_low
        value >>= 1
        wait = delay
        while wait:
            wait -= 1
        gpio[put] = clk
        wait = delay
        while wait:
            wait -= 1
        gpio[clear] = clk_low
        count -= 1


@micropython.viper
def _in(gpio: ptr32, regs: ptr8, clk: uint, dio: uint, count: int, delay: int) -> uint:  # noqa: F821
    put, clear, level = int(regs[1]), int(regs[2]), int(regs[0])
    clk_low = clk << uint(regs[3])  # noqa: F821
    value = uint(0)  # noqa: F821
    bit = uint(1)  # noqa: F821
    while count:
        wait = delay
        while wait:
            wait -= 1
        if uint(gpio[level]) & dio:  # noqa: F821
            value |= bit
        bit <<= 1
        gpio[put] = clk
        wait = delay
        while wait:
            wait -= 1
        gpio[clear] = clk_low
        count -= 1
    return value


class GpioBits:
    """The `bits` of hal/swd_line.py. Both pins are high impedance until engage()."""

    def __init__(self, swclk, swdio):
        self._gpio, offsets, self._clk, self._dio = registers(swclk, swdio)
        self._regs = bytes(offsets)
        self._swclk = Pin(swclk, Pin.IN)
        self._swdio = Pin(swdio, Pin.IN)
        self._delay = 0
        self._driving = False
        self.cycles = 0
        # How long a clock takes without and with delay. With empty pin masks the trial moves no pin.
        self._fast_ns = self._clock_ns(0)
        self._step_ns = max((self._clock_ns(10) - self._fast_ns) // 10, 1)

    def engage(self):
        self._swclk.init(Pin.OUT, value=0)
        self._drive()

    def release(self):
        self._swdio.init(Pin.IN)
        self._swclk.init(Pin.IN)
        self._driving = False

    def pulled(self, up):
        from rescue.hal.swd_pins import pulled_levels

        return pulled_levels(self._swdio, self._swclk, up)

    def set_frequency(self, hz):
        wanted_ns = 1000000000 // hz
        self._delay = max((wanted_ns - self._fast_ns + self._step_ns - 1) // self._step_ns, 0)
        return 1000000000 // (self._fast_ns + self._delay * self._step_ns)

    def clock_out(self, value, count):
        if not self._driving:
            self._drive()
        self.cycles += count
        while count > _PIECE:
            _out(self._gpio, self._regs, self._clk, self._dio, value & 0xFFFFFF, _PIECE, self._delay)
            value >>= _PIECE
            count -= _PIECE
        _out(self._gpio, self._regs, self._clk, self._dio, value, count, self._delay)

    def clock_in(self, count):
        if self._driving:
            self._swdio.init(Pin.IN)
            self._driving = False
        self.cycles += count
        first = min(count, _PIECE)
        value = _in(self._gpio, self._regs, self._clk, self._dio, first, self._delay)
        if count > first:
            value |= _in(self._gpio, self._regs, self._clk, self._dio, count - first, self._delay) << first
        return value

    def _drive(self):
        self._swdio.init(Pin.OUT, value=0)
        self._driving = True

    def _clock_ns(self, delay):
        start = time.ticks_us()
        _out(self._gpio, self._regs, 0, 0, 0, _TRIAL, delay)
        return time.ticks_diff(time.ticks_us(), start) * 1000 // _TRIAL
