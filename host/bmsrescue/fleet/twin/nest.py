"""A nest: what the helper's wires meet while units come and go. Empty, everything is open and NRST is pulled up."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from bmsrescue.twin.board.parts import RAILS

if TYPE_CHECKING:
    from bmsrescue.twin.board.unit import Unit
    from bmsrescue.twin.clock import VirtualClock


class Nest:
    """`WiredUnit` and `SwdPins` in one. `on_look` is called whenever the helper looks: there units are exchanged.

    All units live on the nest's clock, and everything happens in the thread that serves the helper.
    """

    rail_names = RAILS

    def __init__(self, clock: VirtualClock, on_look: Callable[[Nest], None]) -> None:
        self.clock = clock
        self.unit: Unit | None = None
        self._on_look = on_look
        self._power = False
        self._nrst_low = False
        self._boot0: bool | None = None
        self._falls = 0
        self._frequency_hz = 1_000_000

    def insert(self, unit: Unit) -> None:
        """Put a unit in; what the helper drives reaches it at once."""
        self.unit = unit
        unit.swd.frequency_hz = self._frequency_hz
        unit.set_power(self._power)
        unit.set_nrst(self._nrst_low)
        unit.set_boot0(self._boot0)

    def remove(self) -> None:
        """Take the unit out, whatever it is doing."""
        unit, self.unit = self.unit, None
        if unit is not None:
            self._falls += unit.nrst_falls
            unit.set_nrst(False)
            unit.set_power(False)

    # -- the helper's wires --------------------------------------------------------------------------------------------

    @property
    def nrst_level(self) -> bool:
        self._on_look(self)
        return not self._nrst_low if self.unit is None else self.unit.nrst_level

    @property
    def nrst_falls(self) -> int:
        return self._falls + (0 if self.unit is None else self.unit.nrst_falls)

    @property
    def supply_ma(self) -> int:
        return 0 if self.unit is None else self.unit.supply_ma

    def rail_mv(self, name: str) -> int:
        self._on_look(self)
        return 0 if self.unit is None else self.unit.rail_mv(name)

    def set_power(self, on: bool) -> None:
        self._power = on
        if self.unit is not None:
            self.unit.set_power(on)

    def set_boot0(self, level: bool | None) -> None:
        self._boot0 = level
        if self.unit is not None:
            self.unit.set_boot0(level)

    def set_nrst(self, low: bool) -> None:
        self._nrst_low = low
        if self.unit is not None:
            self.unit.set_nrst(low)

    def press_button(self, pressed: bool) -> None:
        if self.unit is not None:
            self.unit.press_button(pressed)

    def swd_levels(self, pulled_up: bool) -> tuple[bool, bool]:
        return (pulled_up, pulled_up) if self.unit is None else self.unit.swd_levels(pulled_up)

    # -- SWD -----------------------------------------------------------------------------------------------------------

    @property
    def frequency_hz(self) -> int:
        return self._frequency_hz

    @frequency_hz.setter
    def frequency_hz(self, hz: int) -> None:
        self._frequency_hz = hz
        if self.unit is not None:
            self.unit.swd.frequency_hz = hz

    @property
    def released_level(self) -> int:
        return 1 if self.unit is None else self.unit.swd.released_level

    def clock_out(self, value: int, count: int) -> None:
        if self.unit is not None:
            self.unit.swd.clock_out(value, count)
        else:
            self.clock.advance(count * 1_000_000_000 // self._frequency_hz)

    def clock_in(self, count: int) -> int:
        if self.unit is not None:
            return self.unit.swd.clock_in(count)
        self.clock.advance(count * 1_000_000_000 // self._frequency_hz)
        return (1 << count) - 1
