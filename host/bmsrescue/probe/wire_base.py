"""What both kinds of wire share: the port on and off, the clock, and NRST, which some probes let go of in between."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from pyocd.probe.debug_probe import DebugProbe

from bmsrescue.probe.faults import translated
from rescuelink.errors import RescueError

_START_HZ = 1_000_000
_USUAL_HZ = 10_000_000


class ProbeWire:
    """`max_hz`, `min_hz`: between what this probe clocks; None where nobody says. It refuses what lies outside."""

    resends = 0  # a probe asks again by itself and does not tell
    usual_hz = _USUAL_HZ  # what is tried where the job names no clock; an ST-Link V2 stops at 4 MHz

    def __init__(self, probe: Any, max_hz: int | None = None, min_hz: int | None = None) -> None:
        self._probe = probe
        self._max_hz = max_hz
        self._min_hz = min_hz
        self._connected = False
        self.cycles = 0
        self.frequency_hz = _START_HZ
        self.reached: Callable[[int], int] = lambda hz: hz  # what comes of a wanted clock
        self.after_connect: Callable[[], None] = lambda: None

    def set_frequency(self, hz: int) -> None:
        wanted = max(min(hz, self._max_hz or hz), self._min_hz or 0)
        with translated():
            self._probe.set_clock(wanted)
        self.frequency_hz = self.reached(wanted)

    def engage(self) -> None:
        if not self._connected:
            with translated():
                self.connect()

    def connect(self) -> None:
        """The probe's own way to a debug port on SWD. Raises pyOCD's errors."""
        self._connected = True
        self._probe.connect(DebugProbe.Protocol.SWD)
        # Reference firmware sets NRST high when it sets its port up (CMSIS-DAP, PORT_SWD_SETUP).
        self.after_connect()

    def release(self) -> None:
        if self._connected:
            self._connected = False
            with suppress(RescueError), translated():
                self._probe.disconnect()
            with suppress(RescueError), translated():
                self.after_connect()
