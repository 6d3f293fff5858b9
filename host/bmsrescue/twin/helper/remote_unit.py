"""Somebody else's simulated chip as the unit on the bench.

SWD and NRST go over `remote_bitbang`, BOOT0 and power as lines on a control port. Its rails are the twin's own model of
a healthy board, following the power line; what its core does with them is its own affair.

A foreign chip lives on wall time. Virtual time goes by the SWCLK cycles and the agent's waits; a wait while the unit is
powered is really waited, so that the chip has had as much time as the agent believes; one that counts SWCLK cycles
instead gets idle clocks meanwhile.
"""

from __future__ import annotations

from random import Random
from typing import cast

from bmsrescue.twin.board.parts import RAILS, Parts
from bmsrescue.twin.board.rails import Demand, Rails
from bmsrescue.twin.clock import VirtualClock
from bmsrescue.twin.helper.wire import START_FREQUENCY_HZ
from bmsrescue.twin.helper.wired_unit import DebugWire
from bmsrescue.twin.servers.bitbang_client import BitbangPins
from bmsrescue.twin.servers.bitbang_wire import BitbangWire
from bmsrescue.twin.servers.client_socket import ServerLinkError
from bmsrescue.twin.servers.control_client import ControlClient

_NS = 1_000_000_000
_LOGIC_MV = 2_000  # above this on 3.3 V a chip is alive, and its NRST has a pull-up to speak of
# What a unit with an idle chip draws: the chip, and the display behind the isolated 5 V.
_DEMAND_3V3_A = 0.040
_DEMAND_5V_A = 0.055
_CORE_V = 1.0


class ClockedPins(BitbangPins):
    """The pins of the remote chip, whose cycles move our virtual clock."""

    def __init__(self, host: str, port: int, clock: VirtualClock) -> None:
        self._clock = clock
        self._cycles = 0
        super().__init__(host, port)
        self.frequency_hz = START_FREQUENCY_HZ

    @property
    def cycles(self) -> int:
        return self._cycles

    @cycles.setter
    def cycles(self, value: int) -> None:
        if value > self._cycles:
            self._clock.advance((value - self._cycles) * _NS // self.frequency_hz)
        self._cycles = value


class RemoteUnit:
    """A `WiredUnit` behind two TCP ports, with the `wire` to its SWD pins.

    bitbang, control: (host, port) of each.

    Raises:
        ServerLinkError: from the constructor and every line: the server is not there, or speaks something else.
    """

    rail_names = RAILS

    def __init__(self, bitbang: tuple[str, int], control: tuple[str, int], seed: int = 0) -> None:
        self.clock = VirtualClock()
        self._control = ControlClient(*control)
        try:
            self._pins = ClockedPins(*bitbang, self.clock)
        except ServerLinkError:
            self._control.close()
            raise
        self.wire = cast(DebugWire, BitbangWire(self._pins))
        self.wire.set_frequency(START_FREQUENCY_HZ)
        self._rails = Rails(self.clock, Parts(), self._demand, Random(f"remote {seed}"))
        self._powered = False
        self._pulled_low = False
        self._level = False
        self._falls = 0

    def close(self) -> None:
        """Hang up, with the unit switched off."""
        self._pins.close()
        self._control.close()

    def wait(self, duration_ns: int) -> None:
        """The agent waits: let a powered chip have the time."""
        if self._powered:
            self._pins.wait(duration_ns / _NS)

    # What the helper's lines do.

    def set_power(self, on: bool) -> None:
        self._control.power(on)
        self._powered = on
        self._rails.switch_supply(on)

    def set_boot0(self, level: bool | None) -> None:
        """None lets go; the control port has no word for it, and a released BOOT0 is pulled down."""
        self._control.boot0(bool(level))

    def set_nrst(self, low: bool) -> None:
        self._pins.nrst(low)
        self._pulled_low = low
        self._look()

    def press_button(self, pressed: bool) -> None:
        """The control port has no button."""

    def swd_levels(self, pulled_up: bool) -> tuple[bool, bool]:
        """remote_bitbang has no pulls: as a chip without fault has them."""
        return True, False

    # What the helper's sense wires see.

    @property
    def nrst_level(self) -> bool:
        self._look()
        return self._level

    @property
    def nrst_falls(self) -> int:
        self._look()
        return self._falls

    @property
    def supply_ma(self) -> int:
        return round(1000 * self._rails.supply_a)

    def rail_mv(self, name: str) -> int:
        return self._rails.measured_mv(name)

    def _look(self) -> None:
        """remote_bitbang cannot read NRST: it is high unless we pull it or the control port says otherwise."""
        level = not self._pulled_low and self._rails.volts("v3v3") * 1000 > _LOGIC_MV
        if level:
            level = self._control.status().get("nrst", 1) != 0
        self._falls += self._level and not level
        self._level = level

    def _demand(self) -> Demand:
        alive = self._rails.volts("v3v3") * 1000 > _LOGIC_MV
        return Demand(
            v12_enabled=self._powered,
            v3v3_a=_DEMAND_3V3_A if alive else 0.0,
            v5iso_a=_DEMAND_5V_A if self._rails.volts("v5iso") > Parts().loads.display_start_v else 0.0,
            vcap_v=_CORE_V if alive else 0.0,
        )
