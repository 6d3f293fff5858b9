"""Boards, wires and helpers that behave otherwise: each does what its data sheet or report says, and nothing else."""

from __future__ import annotations

from random import Random

import pytest

from bmsrescue.twin.board.faults import ContactLoss, HelperTraits
from bmsrescue.twin.board.healthy import healthy_unit
from bmsrescue.twin.board.swd_wiring import DoubledClocks
from bmsrescue.twin.board.unit import Unit
from bmsrescue.twin.helper.adc import DIVIDERS, RailAdc

_MS = 1_000_000


def _powered(ms: int = 1000, **faults: object) -> Unit:
    unit = healthy_unit()
    unit.break_board(**faults)
    unit.set_power(True)
    unit.clock.advance(ms * _MS)
    return unit


def _ms_until_high(unit: Unit, limit_ms: int = 3000) -> int:
    for ms in range(limit_ms):
        if unit.nrst_level:
            return ms
        unit.clock.advance(_MS)
    raise AssertionError("NRST stays low")


def test_a_supervisor_holds_nrst_after_power_and_after_each_pull() -> None:
    usual = _ms_until_high(_powered(0))
    unit = _powered(0, nrst_supervisor_ms=400.0)
    assert _ms_until_high(unit) == pytest.approx(usual + 400, abs=3)
    unit.set_nrst(True)
    unit.clock.advance(10 * _MS)
    unit.set_nrst(False)
    assert _ms_until_high(unit) == pytest.approx(404, abs=3)


def test_a_large_capacitor_makes_nrst_rise_slowly() -> None:
    unit = _powered(300, nrst_capacitance_nf=1000.0)
    unit.set_nrst(True)
    unit.clock.advance(_MS)
    unit.set_nrst(False)
    assert _ms_until_high(unit) == pytest.approx(48, abs=2)


def test_a_latch_that_only_holds_is_on_while_the_button_or_the_firmware_holds_it() -> None:
    unit = _powered(500, latch_kind="held")
    assert unit.true_mv("v12") < 1000
    unit.press_button(True)
    unit.clock.advance(500 * _MS)
    unit.press_button(False)
    unit.clock.advance(1000 * _MS)
    assert unit.true_mv("v12") > 11_000, "the firmware drives the line high"
    unit.set_nrst(True)
    unit.clock.advance(2000 * _MS)
    assert unit.true_mv("v12") < 3000, "a chip in reset drives nothing"


def test_a_unit_without_firmware_goes_off_when_the_button_is_let_go() -> None:
    unit = healthy_unit()
    for sector in range(unit.chip.flash.geometry.sectors):
        unit.chip.flash.blank(sector)
    unit.break_board(latch_kind="held")
    unit.set_power(True)
    unit.press_button(True)
    unit.clock.advance(2000 * _MS)
    assert unit.true_mv("v3v3") > 3200
    unit.press_button(False)
    unit.clock.advance(3000 * _MS)
    assert unit.true_mv("v12") < 3000


def test_a_strap_on_boot0_sends_the_chip_into_system_memory_whatever_the_helper_drives() -> None:
    unit = _powered(500, boot0_strapped=True)
    assert not unit.leds["run"]
    unit.set_boot0(False)
    unit.set_nrst(True)
    unit.clock.advance(10 * _MS)
    unit.set_nrst(False)
    unit.clock.advance(500 * _MS)
    assert not unit.display.fresh


def test_a_watchdog_chip_resets_a_unit_whose_led_line_stands_still_and_no_other() -> None:
    good = _powered(8000, watchdog_ms=1600.0, watchdog_off_when_floating=False)
    falls = good.nrst_falls
    good.clock.advance(5000 * _MS)
    assert good.nrst_falls == falls and good.display.fresh

    blank = healthy_unit()
    blank.chip.flash.blank(0)
    blank.break_board(watchdog_ms=1600.0, watchdog_off_when_floating=False)
    blank.set_power(True)
    blank.clock.advance(6000 * _MS)
    assert blank.nrst_falls >= 3
    floating = healthy_unit()
    floating.chip.flash.blank(0)
    floating.break_board(watchdog_ms=1600.0)
    floating.set_power(True)
    floating.clock.advance(6000 * _MS)
    assert floating.nrst_falls <= 1, "a MAX823 whose input floats is off"


@pytest.mark.parametrize(
    ("faults", "up", "down"),
    [
        ({}, (True, False), (True, False)),
        ({"swd_translator": True}, (True, True), (True, True)),
        ({"swclk_pull_up_ohm": 10_000.0}, (True, True), (True, True)),
        ({"swdio_open": True}, (True, False), (False, False)),
        ({"helper": HelperTraits(pull_down_latches=True)}, (True, False), (True, True)),
        ({"helper": HelperTraits(pull_ohm=50_000.0), "chip_pull_ohm": 50_000.0}, (True, True), (True, False)),
    ],
)
def test_levels_under_weak_pulls_are_what_the_resistors_make(
    faults: dict[str, object], up: tuple[bool, bool], down: tuple[bool, bool]
) -> None:
    unit = healthy_unit()
    for sector in range(unit.chip.flash.geometry.sectors):
        unit.chip.flash.blank(sector)
    unit.break_board(**faults)
    unit.set_power(True)
    unit.clock.advance(500 * _MS)
    assert unit.swd_levels(True) == up
    assert unit.swd_levels(False) == down


def test_an_adc_zero_adds_to_every_reading_by_its_divider() -> None:
    plain, off = RailAdc(3), RailAdc(3, HelperTraits(adc_zero_lsb=15.0))
    step_mv = 3300 / 4096
    for rail, ratio in DIVIDERS.items():
        for mv in (1000, 1200):
            assert off.read_mv(rail, mv) - plain.read_mv(rail, mv) == pytest.approx(15 * step_mv * ratio, abs=2)
    assert RailAdc(3, HelperTraits(adc_zero_lsb=15.0)).read_mv("bplus", 0) > 300


def test_spikes_come_as_often_as_said() -> None:
    adc = RailAdc(1, HelperTraits(adc_spike_rate=0.1, adc_spike_lsb=300.0))
    readings = [adc.read_mv("v3v3", 3300) for _ in range(1000)]
    assert 60 < sum(abs(mv - 3300) > 200 for mv in readings) < 140


def test_a_helper_without_a_sense_wire_has_no_such_rail_and_a_bad_divider_reads_low() -> None:
    unit = _powered(helper=HelperTraits(missing_rails=frozenset({"vcap"})), sense_ratio={"v3v3": 0.8})
    assert "vcap" not in unit.rail_names
    assert unit.rail_mv("v3v3") == pytest.approx(2640, abs=20)
    assert unit.true_mv("v3v3") == pytest.approx(3300, abs=10)


class _Echo:
    """Pins that note each cycle of the helper and answer with ones and zeros in turn."""

    def __init__(self) -> None:
        self.frequency_hz = 4_000_000
        self.released_level = 1
        self.heard: list[int] = []

    def clock_out(self, value: int, count: int) -> None:
        self.heard += [value >> bit & 1 for bit in range(count)]

    def clock_in(self, count: int) -> int:
        start = len(self.heard)
        self.heard += [0] * count
        return sum((start + bit & 1) << bit for bit in range(count))


def test_doubled_clocks_repeat_a_bit_for_the_chip_and_lose_one_for_the_helper() -> None:
    echo = _Echo()
    pins = DoubledClocks(echo, 1e-2, Random(1))
    pins.frequency_hz = 4_000_000
    for _ in range(2000):
        pins.clock_out(0b1011_0010, 8)
    assert 90 < pins.doubled < 230
    assert len(echo.heard) == 16_000 + pins.doubled
    slow = _Echo()
    pins = DoubledClocks(slow, 1e-2, Random(1))
    pins.frequency_hz = 400_000
    for _ in range(2000):
        pins.clock_in(8)
    assert pins.doubled < 10, "a hundredth at a tenth of the clock"


def test_lost_contact_comes_and_goes_by_the_clock() -> None:
    unit = _powered(0, contact_loss=ContactLoss(at_ms=100.0, for_ms=50.0, every_ms=200.0))
    lost = []
    for _ in range(40):
        unit.clock.advance(10 * _MS)
        lost.append(unit.contact_lost)
    assert [index for index, off in enumerate(lost) if off] == [9, 10, 11, 12, 13, 29, 30, 31, 32, 33]
