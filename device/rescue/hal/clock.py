# Time, and the hardware watchdog: if the agent hangs, it resets the helper's pins and with them the unit's power.

import time

from machine import WDT
from micropython import const

_SLICE_MS = const(1000)


class Clock:
    """watchdog_ms: 0 for none; at most 8388 on an RP2040. It starts with the first feed()."""

    def __init__(self, watchdog_ms):
        self._watchdog_ms = watchdog_ms
        self._watchdog = None

    def ms(self):
        return time.ticks_ms()

    def us(self):
        return time.ticks_us()

    def since_ms(self, start):
        return time.ticks_diff(time.ticks_ms(), start)

    def sleep_ms(self, n):
        while n > 0:
            if self._watchdog:
                self._watchdog.feed()
            time.sleep_ms(min(n, _SLICE_MS))
            n -= _SLICE_MS

    def sleep_us(self, n):
        time.sleep_us(n)

    def feed(self):
        if self._watchdog:
            self._watchdog.feed()
        elif self._watchdog_ms:
            self._watchdog = WDT(timeout=self._watchdog_ms)

    def stop_watchdog(self):
        """For the time at the interpreter's prompt. False when this chip's cannot be stopped: it is going to bite."""
        if self._watchdog is None:
            return True
        from rescue.hal import watchdog

        return watchdog.stop()
