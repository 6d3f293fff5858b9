# Ports of a helper with nothing connected, for the agent on MicroPython's unix port: only its stream is real.

import sys
import time

from rescue.hal.ports import Ports
from rescue.hal.stream import UsbStream
from rescuelink.errors import CardError


class Nothing:
    """Takes every call that makes the unit safe, and knows of no rail, no press and no card."""

    names = ()
    root = "."
    cycles = 0
    frequency_hz = 1_000_000

    def ms(self):
        return time.ticks_ms()

    def us(self):
        return time.ticks_us()

    def since_ms(self, start):
        return time.ticks_diff(time.ticks_ms(), start)

    def sleep_ms(self, n):
        time.sleep_ms(n)

    def sleep_us(self, n):
        time.sleep_us(n)

    def feed(self):
        pass

    def release_all(self):
        pass

    def release(self):
        pass

    def power(self, on):
        pass

    def show(self, framebuffer):
        pass

    def led(self, red, green, blue):
        pass

    def beep(self, ms):
        pass

    def pressed(self):
        return False

    def mount(self):
        raise CardError("missing", "there is no card")


def open(config):  # noqa: A001 - the name every ports module has
    nothing = Nothing()
    print("agent on " + sys.platform)
    return Ports(nothing, nothing, nothing, nothing, nothing, nothing, nothing, stream=UsbStream())
