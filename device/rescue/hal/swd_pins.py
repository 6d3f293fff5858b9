# SWD bits on any two machine.Pin, with nothing but Pin.value(): slow (about 64 kHz on an RP2040), but everywhere.
# SWDIO is set while SWCLK is low and taken by the chip on the rising edge; it is sampled just before that edge.

from machine import Pin
from micropython import const

_HZ = const(64000)


class PinBits:
    """The `bits` of hal/swd.py. Both pins are high impedance until engage()."""

    def __init__(self, swclk, swdio):
        self._swclk = Pin(swclk, Pin.IN)
        self._swdio = Pin(swdio, Pin.IN)
        self._driving = False
        self.cycles = 0

    def engage(self):
        self._swclk.init(Pin.OUT, value=0)
        self._drive()

    def release(self):
        self._swdio.init(Pin.IN)
        self._swclk.init(Pin.IN)
        self._driving = False

    def set_frequency(self, hz):
        """The frequency is what it is; it is too low to need lowering."""
        return _HZ

    def clock_out(self, value, count):
        if not self._driving:
            self._drive()
        swclk = self._swclk
        swdio = self._swdio
        for _ in range(count):
            swdio(value & 1)
            swclk(1)
            value >>= 1
            swclk(0)
        self.cycles += count

    def clock_in(self, count):
        if self._driving:
            self._swdio.init(Pin.IN)
            self._driving = False
        swclk = self._swclk
        swdio = self._swdio
        value = 0
        for index in range(count):
            value |= swdio() << index
            swclk(1)
            swclk(0)
        self.cycles += count
        return value

    def _drive(self):
        self._swdio.init(Pin.OUT, value=0)
        self._driving = True
