"""The debug port: power-up, sticky errors, posted reads and writes, banks."""

from __future__ import annotations

import pytest

from bmsrescue.twin.chip.config import ChipConfig
from swd_host import (
    ABORT,
    CSW,
    CTRL,
    DRW,
    DTCM,
    FAULT,
    FLASH,
    OK,
    SELECT,
    TAR,
    WAIT,
    Refused,
    SwdHost,
    connected,
    make_chip,
    wait_flash,
)

NOWHERE = 0xA0000000


def test_an_ap_access_before_power_up_is_an_error():
    chip = make_chip()
    host = SwdHost(chip.swd)
    host.jtag_to_swd()
    host.read(0, 0)
    host.write(0, SELECT, 0)
    host.read(1, CSW)
    assert host.try_read(0, 0xC)[0] == FAULT
    assert chip.counters.violation_counts["AP access before power-up"] == 1


def test_the_power_up_acknowledgement_takes_a_moment():
    chip = make_chip(ChipConfig(power_up_ack_us=1000))
    host = SwdHost(chip.swd)
    host.jtag_to_swd()
    host.read(0, 0)
    assert host.power_up() & 0xA0000000 == 0
    chip.clock.advance(1_000_000)
    assert host.read(0, CTRL) == 0xF0000000


def test_select_is_undefined_until_written():
    chip = make_chip()
    host = SwdHost(chip.swd)
    host.jtag_to_swd()
    host.read(0, 0)
    host.write(0, CTRL, 0x50000000)
    host.idle(100)
    host.read(1, 0xC)
    assert host.read(0, 0xC) == 0
    assert chip.counters.violation_counts["AP access before SELECT was written"] > 0


def test_ap_reads_are_posted():
    _chip, host = connected()
    host.write32(DTCM, 0x11111111)
    host.write32(DTCM + 4, 0x22222222)
    host.write(1, TAR, DTCM)
    host.read(1, DRW)
    assert host.read(1, DRW) == 0x11111111
    assert host.read(0, 0xC) == 0x22222222


def test_resend_repeats_the_last_answer():
    _chip, host = connected()
    host.write32(DTCM, 0x33333333)
    assert host.read32(DTCM) == 0x33333333
    assert host.read(0, 0x8) == 0x33333333


def test_an_ap_write_reaches_the_bus_only_after_some_more_clocks():
    chip, host = connected()
    host.write32(DTCM, 0)
    host.write(1, TAR, DTCM)
    host.write(1, DRW, 0x55AA55AA)
    assert chip.rams["DTCM"].data[:4] == bytes(4)
    host.idle(7)
    assert chip.rams["DTCM"].data[:4] == bytes(4)
    host.idle(1)
    assert chip.rams["DTCM"].data[:4] == bytes.fromhex("aa55aa55")


def test_a_bus_error_is_sticky_and_blocks_all_but_three_registers():
    chip, host = connected()
    host.write(1, TAR, NOWHERE)
    host.read(1, DRW)
    faults = chip.counters.faults
    assert host.try_read(1, DRW)[0] == FAULT
    assert host.try_write(1, TAR, 0) == FAULT
    assert host.try_read(0, 0xC)[0] == FAULT
    assert host.try_write(0, SELECT, 0) == FAULT
    assert chip.counters.faults - faults == 4
    assert host.try_read(0, 0)[0] == OK
    assert host.read(0, CTRL) & 0x20
    assert host.try_write(0, ABORT, 0x4) == OK
    assert host.try_read(1, CSW)[0] == OK


def test_a_failed_write_shows_on_a_later_access():
    _chip, host = connected()
    host.write(1, TAR, NOWHERE)
    host.write(1, DRW, 1)
    with pytest.raises(Refused) as refused:
        host.read(0, 0xC)
    assert refused.value.ack == FAULT


def test_readok_tells_of_the_last_ap_read():
    _chip, host = connected()
    host.read32(DTCM)
    assert host.read(0, CTRL) == 0xF0000040


def test_a_held_off_access_answers_wait_and_dapabort_frees_it():
    chip, host = connected()
    host.unlock()
    host.start_erase(1)
    host.write(1, TAR, FLASH)
    host.read(1, DRW)
    assert host.try_read(1, DRW)[0] == WAIT
    assert host.try_read(0, 0xC)[0] == WAIT
    assert host.try_write(0, SELECT, 0) == WAIT
    assert host.try_read(0, CTRL)[0] == OK
    assert chip.counters.waits == 3
    host.write(0, ABORT, 0x1)
    assert host.try_read(1, DRW)[0] == FAULT
    host.write(0, ABORT, 0x1E)
    wait_flash(chip, host, 100)


def test_a_held_off_access_goes_through_by_itself_when_its_time_comes():
    chip, host = connected()
    host.unlock()
    host.start_erase(1)
    host.write(1, TAR, FLASH + 0x20)
    host.read(1, DRW)
    chip.clock.advance(2_100_000_000)
    assert host.read(0, 0xC) == 0xFFFFFFFF
    assert chip.counters.waits == 0


def test_dp_banks():
    _chip, host = connected()
    for bank, value in ((1, 0x40), (2, 0x04830041), (3, 0x00000001), (9, 0)):
        host.write(0, SELECT, bank)
        assert host.read(0, CTRL) == value


def test_pushed_compare_sets_stickycmp():
    _chip, host = connected()
    host.write32(DTCM, 0x12345678)
    host.write(1, TAR, DTCM)
    host.write(0, CTRL, 0x50000F04)
    host.idle(100)
    host.write(1, DRW, 0x12345679)
    host.idle()
    assert host.read(0, CTRL) & 0x10
    host.write(0, ABORT, 0x2)
    assert not host.read(0, CTRL) & 0x10
