# The single wires to the unit, on machine.Pin.

import time

from machine import Pin

_BOOT0_LOW_US = 100


class Lines:
    """config: {"power", "nrst", "boot0", "unit_button"}: pin numbers. The constructor leaves the safe state. Any of
    them may be missing: then nothing is driven, and NRST reads high without an edge (Ports.missing says so).

    Wiring: power and unit_button drive an enable gate and an opto-coupler, both off at low level and pulled down
    outside; NRST and BOOT0 go to the unit through resistors.
    """

    def __init__(self, config):
        self._power = Pin(config["power"], Pin.OUT, value=0) if "power" in config else None
        self._button = Pin(config["unit_button"], Pin.OUT, value=0) if "unit_button" in config else None
        # Open drain: 1 lets go. The unit's own pull-up makes the high level.
        self._nrst = Pin(config["nrst"], Pin.OPEN_DRAIN, value=1) if "nrst" in config else None
        self._boot0 = Pin(config["boot0"], Pin.IN) if "boot0" in config else None
        self._boot0_is_high = False
        self._edges = 0
        self._edges_told = 0
        if self._nrst is not None:
            self._nrst.irq(self._count_edge, Pin.IRQ_FALLING)

    def power(self, on):
        if self._power is not None:
            self._power.value(1 if on else 0)

    def nrst(self, low):
        if self._nrst is not None:
            self._nrst.value(0 if low else 1)

    def nrst_level(self):
        return self._nrst is None or self._nrst.value() == 1

    def nrst_edges(self):
        # Only the handler writes the count, so that no edge is lost in between.
        now = self._edges
        since_last = now - self._edges_told
        self._edges_told = now
        return since_last

    def boot0(self, level):
        if self._boot0 is None:
            return
        if level is not None:
            self._boot0.init(Pin.OUT, value=1 if level else 0)
            self._boot0_is_high = level
            return
        if self._boot0_is_high:
            # An RP2350's pad that was high holds itself near 2 V when it is let go (erratum E9): low first.
            self._boot0.value(0)
            time.sleep_us(_BOOT0_LOW_US)
            self._boot0_is_high = False
        self._boot0.init(Pin.IN)

    def unit_button(self, pressed):
        if self._button is not None:
            self._button.value(1 if pressed else 0)

    def release_all(self):
        self.power(False)
        self.unit_button(False)
        self.boot0(None)
        self.nrst(False)

    def _count_edge(self, _pin):
        self._edges += 1
