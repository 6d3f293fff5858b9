"""SWD over two plain `machine.Pin`, edge by edge, into the twin's chip."""

from collections.abc import Iterator

import pytest
from low_chip import FLASH, VirtualTime

from bmsrescue.twin.chip.stm32h7 import Stm32H7
from bmsrescue.twin.chip.swd.edges import SwdEdges
from bmsrescue.twin.clock import VirtualClock
from low_machine import Pin, machine_installed
from rescue.debug.ap import ahb_ap
from rescue.debug.dp import DebugPort
from rescue.hal.swd import SwdWire

SWCLK, SWDIO = 6, 7
DATA = bytes(range(256)) * 2


@pytest.fixture
def chip(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stm32H7]:
    chip = Stm32H7(VirtualClock())
    chip.flash.load(FLASH, DATA)
    chip.set_vdd_mv(3300)
    chip.clock.advance(20_000_000)
    edges = SwdEdges(chip.swd)
    edges.drive(False)

    def value(pin: Pin, level: int | None = None) -> int:
        if level is None:
            return edges.sample()
        pin.level = level
        assert pin.mode == Pin.OUT, "a pin that is let go was written"
        (edges.swclk if pin.number == SWCLK else edges.swdio)(level)
        return level

    def init(pin: Pin, mode: str, pull: str | None = None, value: int | None = None) -> None:
        pin.mode, pin.level = mode, value
        if pin.number == SWDIO:
            edges.drive(mode == Pin.OUT)
            if value is not None:
                edges.swdio(value)

    with machine_installed():
        monkeypatch.setattr(Pin, "value", value)
        monkeypatch.setattr(Pin, "__call__", value)
        monkeypatch.setattr(Pin, "init", init)
        yield chip


def test_memory_is_read_and_written_over_two_pins(chip: Stm32H7) -> None:

    from rescue.hal.swd_pins import PinBits

    wire = SwdWire(PinBits(SWCLK, SWDIO))
    wire.set_frequency(1_000_000)
    wire.engage()
    port = DebugPort(wire, VirtualTime(chip.clock))
    assert port.connect() == 0x6BA02477
    port.power_up()
    ap = ahb_ap(port, 0)
    back = bytearray(len(DATA))
    ap.read_block(FLASH, back)
    assert back == DATA
    ap.write_block(0x20000000, DATA)
    ap.read_block(0x20000000, back)
    assert back == DATA
    wire.release()
    assert not chip.counters.violations
    assert chip.counters.swclk_cycles == wire.cycles
