# SWD bits on any two machine.Pin, with nothing but Pin.value(): slow (about 64 kHz on an RP2040), but everywhere.
# SWDIO is set while SWCLK is low and taken by the chip on the rising edge; it is sampled just before that edge.

import time

from machine import Pin
from micropython import const

_HZ = const(64000)
_SETTLE_US = const(200)  # 80 kOhm and a metre of cable: some 10 us


def pulled_levels(swdio, swclk, up):
    """SWDIO in bit 0, SWCLK in bit 1, under the pads' own weak pulls (RP2040: 50 to 80 kOhm)."""
    pull = Pin.PULL_UP if up else Pin.PULL_DOWN
    for pin in (swdio, swclk):
        pin.init(Pin.IN, pull)
    time.sleep_us(_SETTLE_US)
    levels = swdio() | swclk() << 1
    for pin in (swdio, swclk):
        pin.init(Pin.IN, None)
    return levels


class PinBits:
    """The `bits` of hal/swd_line.py. Both pins are high impedance until engage()."""

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

    def pulled(self, up):
        return pulled_levels(self._swdio, self._swclk, up)

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
