"""What a unit's board does around a chip that only does what a test tells it."""

from typing import Any, cast

import pytest
from board_bench import MS, FakeChip, display_frame

from bmsrescue.twin.board.pins import UnitPins
from bmsrescue.twin.board.unit import Unit
from bmsrescue.twin.clock import VirtualClock

PINS = UnitPins(latch="PB5", button="PC13", display_uart="USART3", leds={"green": ("PE1", True)})
FRAME = display_frame(52_800, 74, [3300] * 16)


class Bench:
    """A unit with a told chip."""

    def __init__(self, **faults: object) -> None:
        self.clock = VirtualClock()
        self.chip = FakeChip(self.clock)
        self.unit = Unit(self.clock, cast(Any, self.chip), PINS, seed=3)
        if faults:
            self.unit.break_board(**faults)

    def run_ms(self, duration_ms: float) -> None:
        self.clock.advance(int(duration_ms * MS))

    def energise(self, settle_ms: float = 600) -> "Bench":
        self.unit.set_power(True)
        self.run_ms(settle_ms)
        return self


def test_without_firmware_a_unit_is_half_on() -> None:
    bench = Bench().energise()
    unit = bench.unit
    assert unit.rail_mv("v12") > 10_800
    assert unit.display.powered
    assert unit.display.pack_mv == 0
    assert unit.display.cells_mv == [0] * 16
    assert unit.leds == {"green": False}
    unit.press_button(True)
    bench.run_ms(6000)
    assert unit.display.powered, "a dead button turns nothing off"


def test_the_display_shows_what_the_firmware_sends_and_forgets_it_after_two_seconds() -> None:
    bench = Bench().energise()
    bench.chip.on_uart("USART3", FRAME)
    assert bench.unit.display.cells_mv == [3300] * 16
    assert bench.unit.display.lines[0] == "PACK 52.8 V   SOC  74 %"
    assert len(bench.unit.display.lines) == 5
    bench.run_ms(1900)
    assert bench.unit.display.fresh
    bench.run_ms(200)
    assert bench.unit.display.cells_mv == [0] * 16
    assert bench.unit.display.powered


def test_a_damaged_frame_is_dropped_and_the_next_one_is_found() -> None:
    bench = Bench().energise()
    damaged = bytearray(FRAME)
    damaged[10] ^= 1
    for byte in b"\x55" + damaged + FRAME[:7] + FRAME:
        bench.chip.on_uart("USART3", bytes([byte]))
    assert bench.unit.display.frames == 1
    assert bench.unit.display.pack_mv == 52_800


def test_the_display_needs_a_moment_to_boot() -> None:
    bench = Bench().energise(settle_ms=200)
    assert not bench.unit.display.powered
    assert bench.unit.display.lines == []
    bench.run_ms(250)
    assert bench.unit.display.powered


def test_firmware_that_lets_the_latch_fall_turns_the_unit_off_and_the_button_wakes_it() -> None:
    bench = Bench().energise()
    bench.chip.drive("PB5", True)
    bench.run_ms(100)
    assert bench.unit.rail_mv("v12") > 10_800
    bench.chip.drive("PB5", False)
    bench.run_ms(3000)
    assert bench.unit.rail_mv("v12") < 300
    assert bench.unit.rail_mv("bplus") > 17_000
    assert not bench.unit.display.powered
    bench.unit.press_button(True)
    bench.run_ms(200)
    bench.unit.press_button(False)
    bench.run_ms(300)
    assert bench.unit.rail_mv("v12") > 10_800
    assert bench.chip.runs


def test_a_shorted_latch_keeps_twelve_volts_on() -> None:
    bench = Bench(latch_shorted=True).energise()
    bench.chip.drive("PB5", False)
    bench.run_ms(3000)
    assert bench.unit.rail_mv("v12") > 10_800


def test_a_lit_led_is_seen_and_draws_current() -> None:
    bench = Bench().energise()
    dark_ma = bench.unit.supply_ma
    bench.chip.drive("PE1", True)
    bench.run_ms(30)
    assert bench.unit.leds == {"green": True}
    assert bench.unit.supply_ma >= dark_ma


def test_nrst_rises_milliseconds_after_it_is_released() -> None:
    bench = Bench().energise()
    unit = bench.unit
    assert unit.nrst_level
    falls = unit.nrst_falls
    unit.set_nrst(True)
    assert not unit.nrst_level
    assert bench.chip.nrst_held
    unit.set_nrst(False)
    bench.run_ms(4)
    assert not unit.nrst_level
    bench.run_ms(2)
    assert unit.nrst_level
    assert not bench.chip.nrst_held
    assert unit.nrst_falls == falls + 1


def test_the_chips_own_reset_is_seen_on_nrst_and_stretched_by_the_capacitor() -> None:
    bench = Bench().energise()
    falls = bench.unit.nrst_falls
    bench.chip.on_nrst(True)
    bench.run_ms(0.02)
    bench.chip.on_nrst(False)
    bench.run_ms(1)
    assert not bench.unit.nrst_level
    bench.run_ms(5)
    assert bench.unit.nrst_level
    assert bench.unit.nrst_falls == falls + 1


def test_nrst_held_through_power_on_keeps_the_chip_in_reset() -> None:
    bench = Bench()
    bench.unit.set_nrst(True)
    bench.energise()
    assert bench.chip.powered
    assert not bench.chip.runs
    assert bench.unit.rail_mv("v12") > 10_800, "the latch's bias needs no firmware"


def test_a_board_that_holds_nrst_never_lets_the_chip_run() -> None:
    bench = Bench(nrst_held=True).energise()
    assert not bench.unit.nrst_level
    assert not bench.chip.runs


def test_a_firing_supervisor_shows_as_periodic_edges() -> None:
    bench = Bench(nrst_pulse_period_ms=100.0).energise()
    falls = bench.unit.nrst_falls
    bench.run_ms(1000)
    assert bench.unit.nrst_falls - falls == pytest.approx(10, abs=1)


def test_a_reset_line_shorted_to_3v3_cannot_be_pulled_low() -> None:
    bench = Bench(nrst_stuck_high=True).energise()
    bench.unit.set_nrst(True)
    assert bench.unit.nrst_level
    assert bench.chip.runs


def test_a_core_regulator_without_input_leaves_vcap_at_zero_and_the_chip_in_reset() -> None:
    bench = Bench(core_supply_dead=True).energise()
    assert bench.unit.rail_mv("v3v3") > 3200
    assert bench.unit.rail_mv("vcap") < 100
    assert not bench.unit.nrst_level


def test_an_open_sense_wire_reads_nothing_of_a_living_rail() -> None:
    bench = Bench(sense_open=frozenset({"v3v3"})).energise()
    assert bench.unit.rail_mv("v3v3") == 0
    assert bench.unit.true_mv("v3v3") > 3200


def test_a_dead_display_is_dark_and_unloads_its_supply() -> None:
    bench = Bench(display_dead=True).energise()
    assert not bench.unit.display.powered
    assert bench.unit.rail_mv("v5iso") > 5500


def test_an_unknown_rail_is_named_in_the_error() -> None:
    with pytest.raises(KeyError, match="v48"):
        Bench().unit.rail_mv("v48")


def test_waiting_for_a_settled_unit_is_nearly_free() -> None:
    bench = Bench().energise()
    bench.run_ms(60_000)
    assert bench.unit.settled


def test_swapped_swd_wires_read_zeros_and_the_chip_sees_nothing() -> None:
    bench = Bench(swd_swapped=True).energise()
    bench.unit.swd.clock_out(0xFFFF, 16)
    assert bench.unit.swd.clock_in(33) == 0
    assert bench.chip.swd.sent == []


def test_an_open_data_wire_reads_its_own_pull_up() -> None:
    bench = Bench(swdio_open=True).energise()
    assert bench.unit.swd.clock_in(33) == (1 << 33) - 1


def flipped_bits(frequency_hz: int, chunk: int) -> int:
    bench = Bench(swd_bit_error_rate=1e-3)
    swd = bench.unit.swd
    swd.frequency_hz = frequency_hz
    ones = (1 << chunk) - 1
    return sum((swd.clock_in(chunk) ^ ones).bit_count() for _ in range(100_000 // chunk))


def test_noise_on_swd_falls_with_the_clock_and_does_not_depend_on_the_chopping() -> None:
    fast, slow = flipped_bits(1_000_000, 32), flipped_bits(100_000, 32)
    assert 60 < fast < 140
    assert slow <= 5
    assert flipped_bits(1_000_000, 1) == pytest.approx(fast, abs=1)
