"""The PIO wire without a board: its program on a PIO emulator, clocking the twin's chip."""

from __future__ import annotations

from typing import Any

import pytest

from bmsrescue.agent.files import make_importable
from bmsrescue.twin.board.unit import Unit
from bmsrescue.twin.helper.wire import wire_over
from bmsrescue.twin.rig import scenario_named
from bmsrescue.twin.scenarios.scenario import build_unit
from pio_rig import SWCLK, SWDIO, PioRig

make_importable()

from rescue.debug import adi_registers as adi  # noqa: E402
from rescuelink.errors import WireError  # noqa: E402

AXI_RAM = 0x24000000
WORDS = 24
_POWER_UP = 0x50000000
_CSW = 0x23000012
_MS = 1_000_000


@pytest.fixture
def unit() -> Unit:
    unit = build_unit(scenario_named("healthy"), 0)
    unit.set_power(True)
    unit.clock.advance(500 * _MS)
    unit.swd.frequency_hz = 10_000_000
    return unit


@pytest.fixture
def bench(unit: Unit) -> PioRig:
    return PioRig(unit.swd)


def connect(bench: PioRig) -> None:
    """As far as AP0 at AXI RAM."""
    wire = bench.wire
    wire.engage()
    wire.jtag_to_swd()
    wire.read(0, adi.DPIDR)
    wire.write(0, adi.ABORT, 0x1E)
    wire.write(0, adi.CTRL_STAT, _POWER_UP)
    while wire.read(0, adi.CTRL_STAT) & 0xA0000000 != 0xA0000000:
        pass
    wire.write(0, adi.SELECT, 0)
    wire.write(1, adi.CSW, _CSW)
    wire.write(1, adi.TAR, AXI_RAM)


def pattern(words: int) -> bytes:
    return bytes((index * 73 + 11) & 0xFF for index in range(words * 4))


def test_the_program_fills_the_whole_memory_so_that_its_jumps_by_number_hold(bench: PioRig) -> None:
    from rescue.hal import pio_swd

    assert len(pio_swd.swd[0]) == 32


def test_the_chip_says_who_it_is(bench: PioRig) -> None:
    bench.wire.engage()
    bench.wire.jtag_to_swd()
    assert bench.wire.read(0, adi.DPIDR) == 0x6BA02477


def test_nothing_is_driven_before_engage_and_after_release(bench: PioRig) -> None:
    assert bench.pins == {SWCLK: "in", SWDIO: "in"}
    bench.wire.engage()
    assert bench.pins == {SWCLK: "pio", SWDIO: "pio"}
    bench.wire.release()
    assert bench.pins == {SWCLK: "in", SWDIO: "in"}


def test_a_block_comes_back_as_it_was_written(bench: PioRig, unit: Unit) -> None:
    connect(bench)
    written = pattern(WORDS)
    bench.wire.write_block(1, adi.DRW, written)
    bench.wire.write(1, adi.TAR, AXI_RAM)
    read = bytearray(len(written))
    bench.wire.read_block(1, adi.DRW, read)
    assert bytes(read) == written
    assert unit.chip.counters.violations == []


def test_a_block_costs_46_clocks_a_word(bench: PioRig, unit: Unit) -> None:
    connect(bench)
    before, counted = unit.chip.counters.swclk_cycles, bench.wire.cycles
    bench.wire.write_block(1, adi.DRW, pattern(WORDS))
    assert unit.chip.counters.swclk_cycles - before == 46 * WORDS + 8  # and the idle clocks at its end
    assert bench.wire.cycles - counted == 46 * WORDS + 8


@pytest.mark.parametrize("kind", ["pio", "bits"])
def test_a_clock_that_stops_between_calls_loses_no_write(bench: PioRig, unit: Unit, kind: str) -> None:
    # On a helper the interpreter takes longer between two calls than SWCLK may stand still without idle cycles.
    wire = bench.wire if kind == "pio" else wire_over(unit.swd)
    unit.swd.frequency_hz = 10_000_000
    wire.engage()
    wire.jtag_to_swd()

    def stopping(name: str, *arguments: Any) -> Any:
        answer = getattr(wire, name)(*arguments)
        unit.clock.advance(_MS // 10)
        return answer

    assert stopping("read", 0, adi.DPIDR) == 0x6BA02477
    stopping("write", 0, adi.ABORT, 0x1E)
    stopping("write", 0, adi.CTRL_STAT, _POWER_UP)
    stopping("read", 0, adi.CTRL_STAT)
    stopping("write", 0, adi.SELECT, 0)
    stopping("write", 1, adi.CSW, _CSW)
    for words, put in ((1, "write"), (1, "write_block"), (WORDS, "write_block")):
        written = pattern(words)
        stopping("write", 1, adi.TAR, AXI_RAM)
        stopping(put, 1, adi.DRW, int.from_bytes(written, "little") if put == "write" else written)
        stopping("write", 1, adi.TAR, AXI_RAM)
        read = bytearray(len(written))
        stopping("read_block", 1, adi.DRW, read)
        assert bytes(read) == written
        stopping("write", 1, adi.TAR, AXI_RAM)
        assert stopping("read", 1, adi.DRW) == int.from_bytes(written[:4], "little")
    assert unit.chip.counters.violations == []


def test_a_word_at_a_time_is_the_same_as_a_block(bench: PioRig) -> None:
    connect(bench)
    for value in (0, 1, 0x80000000, 0xFFFFFFFF, 0x12345678):
        bench.wire.write(1, adi.TAR, AXI_RAM)
        bench.wire.write(1, adi.DRW, value)
        bench.wire.write(1, adi.TAR, AXI_RAM)
        assert bench.wire.read(1, adi.DRW) == value


def test_a_fault_stops_the_block_and_tells_how_far_it_came(bench: PioRig) -> None:
    connect(bench)
    bench.wire.write(1, adi.TAR, 0x90000000)  # nobody there
    with pytest.raises(WireError) as failure:
        bench.wire.write_block(1, adi.DRW, pattern(WORDS))
    assert failure.value.kind == "fault"
    assert failure.value.done == 0
    assert bench.wire.read(0, adi.DPIDR) == 0x6BA02477  # the line is in order


def test_words_left_over_from_a_refused_block_do_no_harm(bench: PioRig) -> None:
    connect(bench)
    for _ in range(3):
        bench.wire.write(1, adi.TAR, 0x90000000)
        with pytest.raises(WireError):
            bench.wire.read_block(1, adi.DRW, bytearray(64))
        assert bench.wire.read(0, adi.DPIDR) == 0x6BA02477
        bench.wire.write(0, adi.ABORT, 0x1E)


def test_a_chip_in_jtag_answers_nothing_and_then_to_the_switch(bench: PioRig) -> None:
    bench.wire.engage()
    bench.wire.line_reset()
    with pytest.raises(WireError) as failure:
        bench.wire.read(0, adi.DPIDR)
    assert failure.value.kind == "no_ack"
    bench.wire.jtag_to_swd()
    assert bench.wire.read(0, adi.DPIDR) == 0x6BA02477


def test_a_chip_without_power_answers_nothing(bench: PioRig, unit: Unit) -> None:
    connect(bench)
    unit.set_power(False)
    unit.clock.advance(5000 * _MS)
    with pytest.raises(WireError) as failure:
        bench.wire.read(0, adi.DPIDR)
    assert failure.value.kind in ("no_ack", "protocol")


class Refusing:
    """SwdPins that answer WAIT in place of the chip's OK, `count` times from the clock `start` on."""

    def __init__(self, unit: Unit) -> None:
        self._pins = unit.swd
        self.frequency_hz = unit.swd.frequency_hz
        self.flip: dict[int, int] = {}
        self.clock = 0

    @property
    def released_level(self) -> int:
        return self._pins.released_level ^ self.flip.get(self.clock, 0)

    def clock_out(self, value: int, count: int) -> None:
        self.clock += count
        self._pins.clock_out(value, count)

    def clock_in(self, count: int) -> int:
        value = self._pins.clock_in(count) ^ self.flip.get(self.clock, 0)
        self.clock += count
        return value


def test_a_read_with_a_damaged_parity_is_asked_for_again_and_no_word_is_lost(unit: Unit) -> None:
    pins = Refusing(unit)
    bench = PioRig(pins)
    connect(bench)
    written = pattern(6)
    bench.wire.write_block(1, adi.DRW, written)
    bench.wire.write(1, adi.TAR, AXI_RAM)
    read = bytearray(len(written))
    # The third transfer of the block, in its tenth bit of data.
    pins.flip = {pins.clock + 2 * 46 + 8 + 1 + 3 + 10: 1}
    bench.wire.read_block(1, adi.DRW, read)
    assert bytes(read) == written
    assert bench.wire.resends == 1


def _written(bench: PioRig, words: int) -> bytes:
    """A bench that is connected and whose AXI RAM holds a pattern."""
    connect(bench)
    written = pattern(words)
    bench.wire.write_page(AXI_RAM, written)
    return written


def test_a_page_is_written_and_read_with_its_address_in_one_go(bench: PioRig, unit: Unit) -> None:
    written = _written(bench, WORDS)
    read = bytearray(len(written))
    before, counted = unit.chip.counters.swclk_cycles, bench.wire.cycles
    bench.wire.read_page(AXI_RAM, read)
    assert bytes(read) == written
    # TAR, a posted read for each word, RDBUFF, and the idle clocks
    assert unit.chip.counters.swclk_cycles - before == 46 * (WORDS + 2) + 8
    assert bench.wire.cycles - counted == 46 * (WORDS + 2) + 8
    word = bytearray(4)
    bench.wire.read_page(AXI_RAM + 8, word)
    assert bytes(word) == written[8:12]
    assert unit.chip.counters.violations == []


@pytest.mark.parametrize("transfer", [2, 3, 6, 7])
def test_a_word_of_a_page_that_came_damaged_is_read_again_from_its_address(unit: Unit, transfer: int) -> None:
    """TAR, six reads, RDBUFF: behind each but the last the next one is on its way when the damage is seen."""
    pins = Refusing(unit)
    bench = PioRig(pins)
    written = _written(bench, 6)
    read = bytearray(len(written))
    pins.flip = {pins.clock + transfer * 46 + 8 + 1 + 3 + 10: 1}
    bench.wire.read_page(AXI_RAM, read)
    assert bytes(read) == written
    assert bench.wire.resends == 1
    assert bench.wire.cycles == pins.clock
    assert bench.wire.read(0, adi.CTRL_STAT) & 0xF0000000 == 0xF0000000
    assert unit.chip.counters.violations == []


def test_a_posted_answer_that_nobody_wants_may_be_damaged(unit: Unit) -> None:
    pins = Refusing(unit)
    bench = PioRig(pins)
    written = _written(bench, 6)
    read = bytearray(len(written))
    pins.flip = {pins.clock + 46 + 8 + 1 + 3 + 10: 1}
    bench.wire.read_page(AXI_RAM, read)
    assert bytes(read) == written
    assert bench.wire.resends == 0


def test_a_line_that_damages_the_same_word_twice_is_told(unit: Unit) -> None:
    pins = Refusing(unit)
    bench = PioRig(pins)
    _written(bench, 6)
    bit = pins.clock + 3 * 46 + 8 + 1 + 3 + 10
    # The one that follows it is through as well; then eight idle clocks, TAR, the posted read, and the word again.
    pins.flip = {bit: 1, bit + 46 + 46 - (8 + 1 + 3 + 10) + 8 + 2 * 46 + 8 + 1 + 3 + 10: 1}
    with pytest.raises(WireError) as failure:
        bench.wire.read_page(AXI_RAM, bytearray(24))
    assert (failure.value.kind, failure.value.done) == ("parity", 1)


def test_a_damaged_word_in_front_of_a_refused_one_is_no_good_word(unit: Unit) -> None:
    pins = Refusing(unit)
    bench = PioRig(pins)
    connect(bench)
    sector = 0x08040000
    unit.chip.flash.blank(2)
    unit.chip.flash.load(sector, pattern(16))
    unit.chip.flash.tear(sector + 32)
    read = bytearray(64)
    pins.flip = {pins.clock + 9 * 46 + 8 + 1 + 3 + 10: 1}  # TAR, the posted read, and seven words that are good
    with pytest.raises(WireError) as failure:
        bench.wire.read_page(sector, read)
    assert (failure.value.kind, failure.value.done) == ("fault", 7)  # TAR is refused while the flag stands
    assert bytes(read[:28]) == pattern(7)
    bench.wire.write(0, adi.ABORT, 0x1E)
    bench.wire.read_page(sector, memoryview(read)[:32])
    assert bytes(read[:32]) == pattern(8)


def test_a_fault_in_a_page_tells_how_many_words_are_good(bench: PioRig, unit: Unit) -> None:
    connect(bench)
    sector = 0x08040000
    unit.chip.flash.blank(2)
    unit.chip.flash.load(sector, pattern(16))
    unit.chip.flash.tear(sector + 32)
    read = bytearray(64)
    with pytest.raises(WireError) as failure:
        bench.wire.read_page(sector, read)
    assert (failure.value.kind, failure.value.done) == ("fault", 8)
    assert bytes(read[:32]) == pattern(8)
    with pytest.raises(WireError) as failure:  # as long as its flag stands, the DP does not even take TAR
        bench.wire.write_page(AXI_RAM, pattern(4))
    assert (failure.value.kind, failure.value.done) == ("fault", -1)
    bench.wire.write(0, adi.ABORT, 0x1E)
    with pytest.raises(WireError) as failure:
        bench.wire.write_page(0x90000000, pattern(8))  # nobody there
    assert (failure.value.kind, failure.value.done) == ("fault", 0)
    bench.wire.write(0, adi.ABORT, 0x1E)
    bench.wire.write_page(AXI_RAM, pattern(4))


@pytest.mark.parametrize("paged", [False, True])
def test_a_busy_bus_is_waited_for_and_no_word_is_lost_or_written_twice(bench: PioRig, unit: Unit, paged: bool) -> None:
    connect(bench)
    flash = unit.chip.flash
    flash.blank(1)
    sector = 0x08020000
    for register, value in ((0x52002004, 0x45670123), (0x52002004, 0xCDEF89AB), (0x5200200C, 0x32)):
        bench.wire.write(1, adi.TAR, register)
        bench.wire.write(1, adi.DRW, value)
    written = pattern(4 * 8)
    if paged:
        bench.wire.write_page(sector, written)
        waits = bench.wire.waits
        read = bytearray(len(written))
        bench.wire.read_page(sector, read)  # while the last flash word is still being programmed
        assert bench.wire.waits > waits > 0
        assert bytes(read) == written
    else:
        bench.wire.write(1, adi.TAR, sector)
        bench.wire.write_block(1, adi.DRW, written)  # four flash words: the bus waits while one is programmed
    unit.clock.advance(2 * _MS)
    assert bench.wire.waits > 0
    assert bytes(flash.snapshot()[0x20000 : 0x20000 + len(written)]) == written


@pytest.mark.parametrize("hz", [100_000, 1_000_000, 4_000_000, 12_500_000])
def test_the_clock_is_what_was_asked_for(bench: PioRig, hz: int) -> None:
    bench.wire.set_frequency(hz)
    assert bench.wire.frequency_hz == hz


def test_the_clock_is_never_faster_than_asked_for(bench: PioRig) -> None:
    for hz in range(100_000, 20_000_000, 333_333):
        bench.wire.set_frequency(hz)
        assert hz * 0.98 < bench.wire.frequency_hz <= hz
