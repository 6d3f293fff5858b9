"""SWD edges that wait to be handed on together are the same line as edges handed on at once."""

from __future__ import annotations

from typing import Any

from bmsrescue.twin.chip.swd.edges import SwdEdges
from bmsrescue.twin.rp2040.swd_wires import WaitingEdges
from swd_host import SwdHost, make_chip


class EdgeByEdge:
    """SwdPins over a pair of wires: low, sample while listening, high."""

    frequency_hz = 1_000_000

    def __init__(self, edges: SwdEdges) -> None:
        self._edges = edges

    def clock_out(self, value: int, count: int) -> None:
        self._edges.drive(True)
        for bit in range(count):
            self._edges.swclk(0)
            self._edges.swdio(value >> bit & 1)
            self._edges.swclk(1)

    def clock_in(self, count: int) -> int:
        self._edges.drive(False)
        value = 0
        for bit in range(count):
            self._edges.swclk(0)
            value |= self._edges.sample() << bit
            self._edges.swclk(1)
        return value


def session(pins: Any) -> list[Any]:
    host = SwdHost(pins)
    seen = [host.connect()]
    host.write32(0x20000000, 0xA5A5F00F)
    seen += [host.read32(0x20000000), host.read32(0x5C001000), host.read32(0x08000000)]
    host.write(1, 0x4, 0xA0000000)
    host.read(1, 0xC)
    return [*seen, host.try_read(1, 0xC)[0], host.recover()]


def test_the_chip_sees_the_same_session() -> None:
    at_once, waiting = make_chip(), make_chip()
    edges = WaitingEdges(waiting.swd, lambda: None, lambda: None)
    assert session(EdgeByEdge(edges)) == session(EdgeByEdge(SwdEdges(at_once.swd)))
    edges.flush()
    assert waiting.counters.as_dict() == at_once.counters.as_dict()
    assert waiting.clock.now_ns == at_once.clock.now_ns


def test_driven_bits_wait_until_they_are_asked_for() -> None:
    chip = make_chip()
    told: list[str] = []
    edges = WaitingEdges(chip.swd, lambda: told.append("hand on"), lambda: told.append("waiting"))
    pins = EdgeByEdge(edges)
    pins.clock_out(0xFF, 8)
    assert told == ["waiting"]
    assert chip.counters.swclk_cycles == 0
    edges.flush()
    edges.flush()
    assert told == ["waiting", "hand on"]
    assert chip.counters.swclk_cycles == 8


def test_a_sample_comes_after_all_that_was_driven() -> None:
    chip = make_chip()
    edges = WaitingEdges(chip.swd, lambda: None, lambda: None)
    EdgeByEdge(edges).clock_out((1 << 100) - 1, 100)
    assert chip.counters.swclk_cycles == 64
    edges.sample()
    assert chip.counters.swclk_cycles == 100
