"""Waveforms of a session as VCD (IEEE 1364-2005, clause 18), for GTKWave, PulseView and sigrok-cli.

``sigrok-cli -I vcd:compress=1000 -i session.vcd -P swd:swclk=SWCLK:swdio=SWDIO`` decodes the debug traffic.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TextIO

from bmsrescue.twin.chip.swd.pins import SwdPins

from .clock import VirtualClock

_NS_PER_S = 1_000_000_000
_SWCLK = "!"
_SWDIO = '"'
_FIRST_EXTRA = 35


class VcdRecorder:
    """Stands between a debugger and the chip's pins (it is ``SwdPins`` itself) and writes down what is on the wire.

    SWDIO changes at the falling edge of SWCLK and holds over the rising one, at which both sides sample. ``digital``
    and ``analog`` name further signals, whose changes come through ``set_digital`` and ``set_analog``.
    """

    def __init__(
        self,
        pins: SwdPins,
        clock: VirtualClock,
        stream: TextIO,
        digital: Sequence[str] = (),
        analog: Sequence[str] = (),
        timescale_ns: int = 10,
    ) -> None:
        if timescale_ns not in (1, 10, 100, 1000):
            raise ValueError(f"VCD has no timescale of {timescale_ns} ns")
        self._pins = pins
        self._clock = clock
        self._stream = stream
        self._timescale_ns = timescale_ns
        self._codes = {name: chr(_FIRST_EXTRA + index) for index, name in enumerate([*digital, *analog])}
        self._values: dict[str, str] = {}
        self._pending: list[tuple[int, int, str]] = []
        self._order = 0
        self._written_ticks = -1
        self._header(digital, analog)

    # --- SwdPins ------------------------------------------------------------------------------------------------------

    @property
    def frequency_hz(self) -> int:
        return self._pins.frequency_hz

    @frequency_hz.setter
    def frequency_hz(self, hz: int) -> None:
        self._pins.frequency_hz = hz

    @property
    def released_level(self) -> int:
        return self._pins.released_level

    def clock_out(self, value: int, count: int) -> None:
        start_ns = self._clock.now_ns
        self._pins.clock_out(value, count)
        self._cycles(start_ns, value, count)

    def clock_in(self, count: int) -> int:
        start_ns = self._clock.now_ns
        value = self._pins.clock_in(count)
        self._cycles(start_ns, value, count)
        return value

    # --- other signals ------------------------------------------------------------------------------------------------

    def set_digital(self, name: str, level: bool | None) -> None:
        """A line changed now; None is high impedance."""
        self._change(self._clock.now_ns, self._codes[name], "z" if level is None else str(int(level)))

    def set_analog(self, name: str, value: float) -> None:
        """A voltage or current changed now."""
        self._change(self._clock.now_ns, self._codes[name], f"r{value:g} ")

    def flush(self) -> None:
        """Write what has happened so far to the stream."""
        self._pending.sort()
        for when_ns, _, change in self._pending:
            ticks = when_ns // self._timescale_ns
            if ticks > self._written_ticks:
                self._stream.write(f"#{ticks}\n")
                self._written_ticks = ticks
            self._stream.write(change)
        self._pending.clear()
        self._stream.flush()

    # --- inside -------------------------------------------------------------------------------------------------------

    def _header(self, digital: Sequence[str], analog: Sequence[str]) -> None:
        lines = [f"$timescale {self._timescale_ns} ns $end", "$scope module bmsrescue $end"]
        lines += [f"$var wire 1 {_SWCLK} SWCLK $end", f"$var wire 1 {_SWDIO} SWDIO $end"]
        lines += [f"$var wire 1 {self._codes[name]} {name} $end" for name in digital]
        lines += [f"$var real 64 {self._codes[name]} {name} $end" for name in analog]
        lines += ["$upscope $end", "$enddefinitions $end"]
        self._stream.write("\n".join(lines) + "\n")
        self._change(self._clock.now_ns, _SWCLK, "0")
        self._change(self._clock.now_ns, _SWDIO, "1")

    def _cycles(self, start_ns: int, value: int, count: int) -> None:
        hz = self._pins.frequency_hz
        for cycle in range(count):
            fall_ns = start_ns + cycle * _NS_PER_S // hz
            rise_ns = start_ns + (2 * cycle + 1) * _NS_PER_S // (2 * hz)
            self._change(fall_ns, _SWCLK, "0")
            self._change(fall_ns, _SWDIO, str(value >> cycle & 1))
            self._change(rise_ns, _SWCLK, "1")
        # Clocks are in order by now: whatever else changed meanwhile is sorted in between.
        self.flush()

    def _change(self, when_ns: int, code: str, value: str) -> None:
        if self._values.get(code) == value:
            return
        self._values[code] = value
        self._order += 1
        self._pending.append((when_ns, self._order, f"{value}{code}\n"))
