"""The agent's commands of CMSIS-DAP on CPython, on a unit of the twin: the same code, with no helper between."""

from __future__ import annotations

from queue import Empty, SimpleQueue
from types import SimpleNamespace
from typing import Any

from bmsrescue.agent.files import make_importable
from bmsrescue.twin.board.unit import Unit
from bmsrescue.twin.helper.wire import wire_over
from bmsrescue.twin.probes.bench import TwinClock
from bmsrescue.twin.scenarios import find
from bmsrescue.twin.scenarios.scenario import build_unit

make_importable()

from rescue.dap.commands import Probe  # noqa: E402

PACKET_BYTES = 64
_PACKET_NS = 5_000_000  # with what a host waits between two


class UnitLines:
    """NRST alone, and how it was pulled."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self.pulled = False

    def nrst(self, low: bool) -> None:
        self.pulled = low
        self._unit.set_nrst(low)

    def nrst_level(self) -> bool:
        return self._unit.nrst_level


class DapHere:
    """Takes the place of `DapPort`."""

    def __init__(self, scenario: str = "healthy") -> None:
        self.unit = build_unit(find(scenario), 0)
        self.unit.set_power(True)
        self.unit.clock.advance(500_000_000)
        self.wire: Any = wire_over(self.unit.swd)
        self.clock = TwinClock(self.unit.clock)
        self.lines = UnitLines(self.unit)
        ports = SimpleNamespace(wire=self.wire, lines=self.lines, clock=self.clock)
        self.probe: Any = Probe(ports, "0123456789abcdef")
        self._answers: SimpleQueue[bytes] = SimpleQueue()

    def ask(self, packet: bytes) -> bytes:
        """The answer to one packet as it is."""
        self.unit.clock.advance(_PACKET_NS)
        reply = memoryview(bytearray(PACKET_BYTES))
        length = self.probe.answer(memoryview(packet), reply)
        assert 0 <= length <= PACKET_BYTES
        return bytes(reply[:length])

    def send(self, packet: bytes) -> None:
        answer = self.ask(packet)
        if answer:
            self._answers.put(answer)

    def receive(self, timeout_s: float = 10.0) -> bytes:
        try:
            return self._answers.get(timeout=timeout_s)
        except Empty:
            raise TimeoutError("no answer") from None
