"""What the wire itself demands: switching, line reset, parity, turnaround, silence."""

from __future__ import annotations

import pytest

from bmsrescue.twin.chip.config import ChipConfig
from swd_host import (
    CTRL,
    FAULT,
    NOBODY,
    OK,
    ONES,
    SELECT,
    Refused,
    SwdHost,
    connected,
    make_chip,
    request_byte,
)

ALERT = int.from_bytes(bytes.fromhex("92f3096295 2d8586e9afdde3a20ebc19".replace(" ", "")), "little")


def switched():
    chip = make_chip()
    host = SwdHost(chip.swd)
    host.jtag_to_swd()
    return chip, host


def test_the_port_comes_up_in_jtag_and_is_silent_until_switched():
    chip = make_chip()
    host = SwdHost(chip.swd)
    host.line_reset()
    assert host.try_read(0, 0)[0] == NOBODY
    host.jtag_to_swd()
    assert host.read(0, 0) == 0x6BA02477


def test_switching_again_while_in_swd_does_no_harm():
    _chip, host = switched()
    host.jtag_to_swd()
    assert host.read(0, 0) == 0x6BA02477


def test_swd_to_jtag_and_back():
    chip, host = switched()
    host.read(0, 0)
    chip.swd.clock_out(ONES, 56)
    chip.swd.clock_out(0xE73C, 16)
    host.line_reset()
    assert host.try_read(0, 0)[0] == NOBODY
    host.jtag_to_swd()
    assert host.read(0, 0) == 0x6BA02477


def test_dormant_needs_the_selection_alert():
    chip, host = switched()
    chip.swd.clock_out(ONES, 56)
    chip.swd.clock_out(0xE3BC, 16)
    host.jtag_to_swd()
    assert host.try_read(0, 0)[0] == NOBODY
    chip.swd.clock_out(0xFF, 8)
    chip.swd.clock_out(ALERT, 128)
    chip.swd.clock_out(0, 4)
    chip.swd.clock_out(0x1A, 8)
    host.line_reset()
    assert host.read(0, 0) == 0x6BA02477


def test_jtag_goes_dormant_too():
    chip = make_chip()
    host = SwdHost(chip.swd)
    chip.swd.clock_out(0x1F, 5)
    chip.swd.clock_out(0x33BBBBBA, 31)
    host.jtag_to_swd()
    assert host.try_read(0, 0)[0] == NOBODY


def test_the_first_access_after_a_line_reset_must_be_dpidr():
    chip, host = switched()
    assert host.try_read(0, CTRL)[0] == NOBODY
    assert chip.counters.violation_counts["first access not DPIDR"] == 1
    host.line_reset()
    assert host.try_read(0, 0)[0] == OK
    assert host.try_read(0, CTRL)[0] == OK


def test_the_dpidr_rule_can_be_switched_off():
    chip = make_chip(ChipConfig(first_access_must_be_dpidr=False))
    host = SwdHost(chip.swd)
    host.jtag_to_swd()
    assert host.try_read(0, CTRL)[0] == OK


def test_targetsel_is_never_answered():
    _chip, host = switched()
    assert host.try_write(0, 0xC, 0x04830041) == NOBODY


def test_a_request_with_bad_parity_silences_the_port_until_a_line_reset():
    chip, host = switched()
    host.read(0, 0)
    chip.swd.clock_out(request_byte(0, 1, 0) ^ 0x20, 8)
    assert chip.swd.clock_in(4) == 0xF
    host.idle(10)
    assert host.try_read(0, 0)[0] == NOBODY
    host.line_reset()
    assert host.read(0, 0) == 0x6BA02477
    assert chip.counters.violation_counts["malformed request"] == 1


def test_forty_nine_ones_are_no_line_reset_and_fifty_are():
    chip, host = switched()
    host.read(0, 0)
    for ones, ack in ((49, NOBODY), (50, OK)):
        chip.swd.clock_out(0xFF, 8)  # a malformed request: silent from here on
        host.idle(2)
        chip.swd.clock_out((1 << ones) - 1, ones)
        host.idle(2)
        assert host.try_read(0, 0)[0] == ack


def test_a_line_reset_in_the_middle_of_write_data_is_heard():
    chip, host = switched()
    host.read(0, 0)
    chip.swd.clock_out(request_byte(0, 0, SELECT), 8)
    chip.swd.clock_in(5)
    chip.swd.clock_out(0x1234, 16)
    host.line_reset()
    assert host.read(0, 0) == 0x6BA02477


def test_a_line_reset_keeps_ctrl_stat_and_select():
    chip, host = connected()
    host.write(0, SELECT, 0x0200_00F0)
    host.line_reset()
    host.read(0, 0)
    assert host.read(0, CTRL) >> 28 == 0xF
    host.read(1, 0xC)
    assert host.read(0, 0xC) == chip.config.ap2_idr


def test_write_data_with_bad_parity_is_dropped_and_blocks_the_aps():
    chip, host = connected()
    host.try_write(1, 0x4, 0x12345678, parity_bit=0)
    assert host.try_read(1, 0x4)[0] == FAULT
    assert host.read(0, CTRL) & 0x80
    host.recover()
    host.read(1, 0x4)
    assert host.read(0, 0xC) != 0x12345678
    assert chip.counters.violation_counts["bad parity"] == 1


@pytest.mark.parametrize("turn", [1, 2, 3, 4])
def test_the_turnaround_follows_dlcr(turn):
    _chip, host = connected()
    host.write(0, SELECT, 1)
    host.write(0, CTRL, (turn - 1) << 8)
    host.turn = turn
    assert host.read(0, 0) == 0x6BA02477
    host.write(0, SELECT, 0)
    host.write32(0x20000000, 0xCAFE0000 + turn)
    assert host.read32(0x20000000) == 0xCAFE0000 + turn


def test_overrun_detection_clocks_the_data_phase_whatever_the_answer():
    _chip, host = connected()
    host.write(0, CTRL, 0x50000001)
    host.overrun = True
    host.write(1, 0x4, 0xA0000000)
    host.read(1, 0xC)
    assert host.try_read(1, 0xC)[0] == FAULT
    assert host.try_write(1, 0xC, 1) == FAULT
    status = host.read(0, CTRL)
    assert status & 0x22 == 0x22
    host.write(0, 0, 0x1E)
    assert host.read(0, CTRL) & 0x22 == 0


def test_an_unpowered_chip_does_not_answer():
    chip = make_chip(powered=False)
    host = SwdHost(chip.swd)
    host.jtag_to_swd()
    assert host.try_read(0, 0)[0] == 0
    chip = make_chip(ChipConfig(unpowered_line_level=1), powered=False)
    host = SwdHost(chip.swd)
    host.jtag_to_swd()
    assert host.try_read(0, 0)[0] == NOBODY


def test_power_loss_forgets_the_connection():
    chip, host = connected()
    chip.set_vdd_mv(0)
    assert host.try_read(0, 0)[0] == 0
    chip.set_vdd_mv(3300)
    chip.clock.advance(1_000_000)
    assert host.try_read(0, 0)[0] == NOBODY
    assert host.connect() == 0x6BA02477


def test_reassigned_swd_pins_are_silent_until_reset():
    chip, host = connected()
    chip.system.assign_swd_pins(False)
    assert host.try_read(0, 0)[0] == NOBODY
    chip.set_nrst(True)
    host.line_reset()
    assert host.read(0, 0) == 0x6BA02477


def test_readout_level_two_closes_the_port():
    chip, host = connected()
    chip.system.set_readout_level(2)
    with pytest.raises(Refused):
        host.read(0, 0)


def test_cycles_and_transfers_are_counted_and_take_their_time():
    chip, host = connected()
    chip.swd.frequency_hz = 1_000_000
    before, start_ns = chip.counters.swclk_cycles, chip.clock.now_ns
    reads = chip.counters.dp_reads
    for _ in range(10):
        host.read(0, CTRL)
    assert chip.counters.swclk_cycles - before == 460
    assert chip.clock.now_ns - start_ns == 460_000
    assert chip.counters.dp_reads - reads == 10
