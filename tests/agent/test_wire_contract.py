"""The contract of `Wire` for a block that fails, the same for every wire: the words it claims are there, and right.

The chip falls silent in the middle of a block, as when a contact is lost, or refuses a word whose flash is torn.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import pytest

from bmsrescue.agent.files import make_importable
from bmsrescue.card.fat import make_image
from bmsrescue.twin.board.unit import Unit
from bmsrescue.twin.chip.config import ChipConfig
from bmsrescue.twin.chip.swd.edges import SwdEdges
from bmsrescue.twin.chip.swd.pins import SwdPins
from bmsrescue.twin.helper.helper import ENDED, VirtualHelper
from bmsrescue.twin.helper.wire import wire_over
from bmsrescue.twin.rig import scenario_named
from bmsrescue.twin.scenarios.scenario import build_unit
from bmsrescue.twin.servers.bitbang_wire import BitbangWire
from rescuelink.errors import WireError
from served_unit import ServedUnit

make_importable()

from rescue.debug.dp import DebugPort  # noqa: E402

FLASH = 0x0800_0000
RAM = 0x2400_0000
CSW_WORDS = 0x2300_0012
DRW, TAR, CSW = 0xC, 0x4, 0x0
WORDS = 64
DATA = random.Random(38).randbytes(4 * WORDS)
STALE = b"\xa5" * (4 * WORDS)
_MS = 1_000_000


class Cuttable:
    """The chip's pins, which fall silent `left` cycles from now where that is given."""

    def __init__(self, pins: SwdPins) -> None:
        self._pins = pins
        self.left: int | None = None

    @property
    def frequency_hz(self) -> int:
        return self._pins.frequency_hz

    @frequency_hz.setter
    def frequency_hz(self, hz: int) -> None:
        self._pins.frequency_hz = hz

    @property
    def released_level(self) -> int:
        return 1 if self.left == 0 else self._pins.released_level

    def clock_out(self, value: int, count: int) -> None:
        heard = self._heard(count)
        if heard:
            self._pins.clock_out(value & ((1 << heard) - 1), heard)

    def clock_in(self, count: int) -> int:
        heard = self._heard(count)
        value = self._pins.clock_in(heard) if heard else 0
        return value | ((1 << count) - 1) & ~((1 << heard) - 1)

    def _heard(self, count: int) -> int:
        if self.left is None:
            return count
        heard = min(count, self.left)
        self.left -= heard
        return heard


@dataclass
class Rig:
    """`read` fills a copy of STALE from the flash after `cut` cycles were left to the chip: (done or None, buffer)."""

    pins: Cuttable
    unit: Unit
    wire: Any
    pause: Callable[[], object]
    """SWCLK stands still for a millisecond."""


def _unit() -> tuple[Unit, Cuttable]:
    unit = build_unit(replace(scenario_named("healthy"), config=ChipConfig(stopped_clock_loses_write=True)), 0)
    unit.chip.flash.load(FLASH, DATA)
    unit.set_power(True)
    unit.clock.advance(500 * _MS)
    pins = Cuttable(unit.chip.swd)
    unit.swd = cast(SwdPins, pins)
    return unit, pins


class _Time:
    def __init__(self, unit: Unit) -> None:
        self._clock = unit.clock

    def ms(self) -> int:
        return self._clock.now_ns // _MS

    def since_ms(self, start: int) -> int:
        return self.ms() - start

    def sleep_ms(self, duration: int) -> None:
        self._clock.advance(duration * _MS)


def _find(wire: Any, unit: Unit) -> None:
    port = DebugPort(wire, _Time(unit))
    port.connect()
    port.power_up()
    wire.write(1, CSW, CSW_WORDS)


@pytest.fixture(params=["transfers", "two pins", "PIO", "remote_bitbang"])
def rig(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    unit, pins = _unit()

    def pause() -> None:
        unit.clock.advance(_MS)

    with ExitStack() as stack:
        if request.param == "transfers":
            wire: Any = wire_over(cast(SwdPins, pins))
            wire.engage()
        elif request.param == "two pins":
            wire = _on_two_pins(pins, monkeypatch, stack)
        elif request.param == "PIO":
            from pio_rig import PioRig

            pins.frequency_hz = 10_000_000
            wire = PioRig(cast(SwdPins, pins)).wire
            wire.engage()
        else:
            served = ServedUnit(unit, powered=False)
            stack.callback(served.close)
            plug = served.plug_in()
            stack.callback(plug.close)
            wire = BitbangWire(plug)

            def pause() -> None:
                plug.sleep_us(1_000)

        _find(wire, unit)
        yield Rig(pins, unit, wire, pause)


def _on_two_pins(pins: Cuttable, monkeypatch: pytest.MonkeyPatch, stack: ExitStack) -> Any:
    from low_machine import Pin, machine_installed

    edges = SwdEdges(cast(SwdPins, pins))
    edges.drive(False)

    def value(pin: Pin, level: int | None = None) -> int:
        if level is None:
            return edges.sample()
        (edges.swclk if pin.number == 6 else edges.swdio)(level)
        return level

    def init(pin: Pin, mode: str, pull: str | None = None, value: int | None = None) -> None:
        if pin.number == 7:
            edges.drive(mode == Pin.OUT)
            if value is not None:
                edges.swdio(value)

    stack.enter_context(machine_installed())
    monkeypatch.setattr(Pin, "value", value)
    monkeypatch.setattr(Pin, "__call__", value)
    monkeypatch.setattr(Pin, "init", init)
    from rescue.hal.swd import SwdWire
    from rescue.hal.swd_pins import PinBits

    wire = SwdWire(PinBits(6, 7))
    wire.engage()
    return wire


def _read(rig: Rig, cut: int | None) -> tuple[int | None, bytes]:
    rig.wire.write(1, TAR, FLASH)
    rig.pins.left = cut
    buffer = bytearray(STALE)
    try:
        rig.wire.read_block(1, DRW, buffer)
    except WireError as error:
        return error.done, bytes(buffer)
    return None, bytes(buffer)


def _holds(done: int | None, found: bytes, at_most: int) -> None:
    assert done is not None and 0 <= done <= at_most
    sure = 4 * max(done - 1, 0)
    assert found[:sure] == DATA[:sure], "a word that was claimed and is not what the chip sent"
    # The one in which the line fell silent may have passed its parity bit; but it was delivered.
    assert found[sure : 4 * done] in (b"", DATA[sure : 4 * done]) or found[sure : 4 * done] != STALE[sure : 4 * done]


@pytest.mark.parametrize("cut", [20, 460, 1_400, 2_900])
def test_the_words_a_cut_block_claims_are_delivered(rig: Rig, cut: int) -> None:
    done, found = _read(rig, cut)
    _holds(done, found, cut // 46)


@pytest.mark.parametrize("torn", [8, 24, 56])
def test_the_words_before_a_torn_one_are_delivered(rig: Rig, torn: int) -> None:
    rig.unit.chip.flash.tear(FLASH + 4 * torn)
    done, found = _read(rig, None)
    _holds(done, found, torn)
    assert done == torn


def test_the_clock_may_stop_behind_every_read_and_every_block_and_no_write_is_lost(rig: Rig) -> None:
    unit, wire = rig.unit, rig.wire
    buffer = bytearray(4 * WORDS)
    before = list(unit.chip.counters.violations)  # the test's own pauses, past a wire that collects what it sends

    def write_alone() -> None:
        wire.write(1, TAR, RAM)
        wire.idle(8)

    for operation in (
        lambda: wire.read(0, 4),
        write_alone,
        lambda: wire.write_block(1, DRW, DATA),
        write_alone,
        lambda: wire.read_block(1, DRW, buffer),
        lambda: wire.read(1, TAR),
    ):
        operation()
        rig.pause()
    assert buffer == DATA
    assert unit.chip.counters.violations == before


SCRIPT = """
import json, sys, twin_ports
from rescue.debug.dp import DebugPort
from rescuelink.errors import WireError
ports = twin_ports.open(json.load(open(sys.argv[1])))
wire = ports.wire
wire.engage()
dp = DebugPort(wire, ports.clock)
dp.connect()
dp.power_up()
wire.write(1, 0, 0x23000012)
wire.write(1, 4, 0x08000000)
buffer = bytearray(b"\\xa5" * 256)
ports.lines.boot0(False)  # the sign to cut here
done = None
try:
    wire.read_block(1, 12, buffer)
except WireError as error:
    done = error.done
ports.observer.event("read", {"done": done, "buffer": list(buffer)})
"""


@pytest.mark.parametrize(("cut", "torn"), [(460, None), (1_400, None), (None, 24)])
def test_the_virtual_helpers_wire_on_a_real_micropython_does_the_same(
    cut: int | None, torn: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unit, pins = _unit()
    if torn is not None:
        unit.chip.flash.tear(FLASH + 4 * torn)
    set_boot0: Callable[[bool | None], None] = unit.set_boot0

    def cut_here(level: bool | None) -> None:
        set_boot0(level)
        if level is False:
            pins.left = cut

    monkeypatch.setattr(unit, "set_boot0", cut_here)
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    card = make_image({"job.json": b"{}"}, size=4 << 20)
    result = VirtualHelper(unit, wire_over(cast(SwdPins, pins)), card).run(script)
    assert (result.how, result.output) == (ENDED, "")
    seen = next(data for _at, name, data in result.events if name == "read")
    assert isinstance(seen, dict)
    _holds(seen["done"], bytes(seen["buffer"]), torn if cut is None else cut // 46)
    assert seen["done"] > 0
