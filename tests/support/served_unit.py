"""A unit behind its two ports, for tests that talk to it as a debugger does."""

from __future__ import annotations

import threading

from bmsrescue.twin.board.unit import Unit
from bmsrescue.twin.servers.bitbang_client import BitbangPins
from bmsrescue.twin.servers.control_client import ControlClient
from bmsrescue.twin.servers.serve import Ports, UnitServer

POWER_UP_MS = 200
FLASH_START = 0x08000000


class ServedUnit:
    """A powered unit on virtual time, served by a thread of the test.

    Look into `unit` only while nobody talks to it.
    """

    def __init__(self, unit: Unit, *, powered: bool = True, virtual_time: bool = True) -> None:
        self.unit = unit
        if powered:
            unit.set_power(True)
            unit.clock.advance(POWER_UP_MS * 1_000_000)
        self._server = UnitServer(unit, virtual_time=virtual_time)
        self._thread = threading.Thread(target=self._server.run, name="unit server")
        self._thread.start()

    @property
    def ports(self) -> Ports:
        return self._server.ports

    def plug_in(self) -> BitbangPins:
        return BitbangPins(self.ports.host, self.ports.bitbang, timeout_s=10)

    def control(self) -> ControlClient:
        return ControlClient(self.ports.host, self.ports.control, timeout_s=10)

    @property
    def running(self) -> bool:
        return self._thread.is_alive()

    def close(self) -> None:
        self._server.stop()
        self._thread.join(10)
        assert not self.running

    def flash(self, address: int, length: int) -> bytes:
        """What the twin's flash array holds."""
        start = address - FLASH_START
        return bytes(self.unit.chip.flash.snapshot()[start : start + length])
