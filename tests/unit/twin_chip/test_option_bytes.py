"""Option bytes and readout protection."""

from __future__ import annotations

import pytest

from bmsrescue.twin.chip.config import ChipConfig
from bmsrescue.twin.chip.flash.option_bytes import OptionValues
from swd_host import CR1, FLASH, NOBODY, Refused, SwdHost, connected, make_chip

OPTKEYR, OPTCR = 0x52002008, 0x52002018
OPTSR_CUR, OPTSR_PRG, OPTCCR = 0x5200201C, 0x52002020, 0x52002024
WPSN_CUR, WPSN_PRG = 0x52002038, 0x5200203C
BOOT_CUR, BOOT_PRG = 0x52002040, 0x52002044
OPT_BUSY, CHANGE_ERROR = 1, 1 << 30
BSY, QW, EOP = 1 << 0, 1 << 2, 1 << 16
RDPERR, WRPERR = 1 << 23, 1 << 17


def powered_with(values: OptionValues, config: ChipConfig | None = None):
    chip = make_chip(config, powered=False)
    chip.options.preset(values)
    chip.set_vdd_mv(3300)
    chip.clock.advance(1_000_000)
    host = SwdHost(chip.swd)
    host.connect()
    return chip, host


def unlock_options(host):
    host.write32(OPTKEYR, 0x08192A3B)
    host.write32(OPTKEYR, 0x4C5D6E7F)


def change(chip, host, register, value, limit_ms=60_000):
    """The whole sequence; returns OPTSR_CUR when it is over."""
    unlock_options(host)
    host.write32(register, value)
    host.write32(OPTCR, 0x2)
    for _ in range(limit_ms // 10):
        status = host.read32(OPTSR_CUR)
        if not status & OPT_BUSY:
            return status
        chip.clock.advance(10_000_000)
    raise TimeoutError("option change")


def power_cycle(chip):
    chip.set_vdd_mv(0)
    chip.clock.advance(1_000_000)
    chip.set_vdd_mv(3300)
    chip.clock.advance(1_000_000)


def test_factory_values():
    _chip, host = connected()
    values = [host.read32(0x52002000 + offset) for offset in (0x1C, 0x28, 0x30, 0x38, 0x40, 0x70)]
    assert values == [0x0306AAD0, 0x000000FF, 0x000000FF, 0x000000FF, 0x1FF00800, 0]
    assert host.read32(OPTCR) == 1


def test_staged_values_need_the_option_key():
    _chip, host = connected()
    host.write32(WPSN_PRG, 0xF0)
    assert host.read32(WPSN_PRG) == 0xFF
    unlock_options(host)
    assert host.read32(OPTCR) == 0
    host.write32(WPSN_PRG, 0xF0)
    assert host.read32(WPSN_PRG) == 0xF0
    assert host.read32(WPSN_CUR) == 0xFF


def test_a_change_takes_its_time_and_shows_at_once():
    chip, host = connected()
    start_ns = chip.clock.now_ns
    assert not change(chip, host, WPSN_PRG, 0xFE) & CHANGE_ERROR
    assert 20_000_000 <= chip.clock.now_ns - start_ns <= 520_000_000
    assert host.read32(WPSN_CUR) == 0xFE
    power_cycle(chip)
    host.connect()
    assert host.read32(WPSN_CUR) == 0xFE


def test_boot_addresses_take_effect_at_the_next_reset():
    chip, host = connected()
    change(chip, host, BOOT_PRG, 0x1FF00801)
    assert chip.system.boot_addresses[0] == 0x08000000
    chip.set_nrst(True)
    assert chip.system.boot_addresses[0] == 0x08010000


def test_staged_values_reload_at_reset():
    chip, host = connected()
    unlock_options(host)
    host.write32(WPSN_PRG, 0x00)
    chip.set_nrst(True)
    chip.clock.advance(1_000_000)
    chip.set_nrst(False)
    chip.clock.advance(1_000_000)
    assert host.read32(WPSN_PRG) == 0xFF


def test_a_wrong_option_key_locks_until_reset():
    _chip, host = connected()
    assert host.write32_fails(OPTKEYR, 1)
    assert [host.write32_fails(OPTKEYR, key) for key in (0x08192A3B, 0x4C5D6E7F)] == [True, True]
    assert host.read32(OPTCR) & 1


def test_an_option_register_written_between_the_keys_locks():
    _chip, host = connected()
    host.write32(OPTKEYR, 0x08192A3B)
    assert host.write32_fails(WPSN_PRG, 0xF0)
    assert host.write32_fails(OPTKEYR, 0x4C5D6E7F)
    assert host.read32(OPTCR) & 1


def test_a_change_shows_as_an_operation_and_ends_with_eop():
    chip, host = connected()
    unlock_options(host)
    host.write32(WPSN_PRG, 0xF0)
    host.write32(OPTCR, 0x2)
    assert host.status() & (QW | BSY | EOP) == QW | BSY
    chip.clock.advance(600_000_000)
    assert host.status() & (QW | BSY | EOP) == EOP


def test_a_change_of_nothing_does_not_run():
    _chip, host = connected()
    unlock_options(host)
    host.write32(WPSN_PRG, 0xFF)
    host.write32(OPTCR, 0x2)
    assert not host.read32(OPTSR_CUR) & OPT_BUSY
    assert not host.status() & (QW | EOP)


def test_level_one_closes_flash_to_a_debugger_until_power_on():
    chip, host = powered_with(OptionValues().with_rdp(0x55))
    chip.flash.load(FLASH, bytes(64))
    with pytest.raises(Refused):
        host.read32(FLASH)
    host.recover()
    assert host.status() & RDPERR
    host.read32(0x20000000)
    host.unlock()
    host.start_erase(0)
    assert host.status() & WRPERR


def test_level_one_to_zero_erases_everything():
    chip, host = powered_with(OptionValues().with_rdp(0x55))
    chip.flash.load(FLASH, bytes(0x100000))
    chip.rams["BKPRAM"].data[:4] = b"keys"
    start_ns = chip.clock.now_ns
    status = change(chip, host, OPTSR_PRG, 0x0306AAD0)
    assert status >> 8 & 0xFF == 0xAA
    assert chip.clock.now_ns - start_ns > 13_000_000_000
    assert all(chip.flash.is_blank(sector) for sector in range(8))
    assert chip.rams["BKPRAM"].data[:4] == bytes(4)
    assert host.read32(FLASH) == 0xFFFFFFFF


def test_a_cut_regression_stays_at_level_one_with_the_flash_partly_gone():
    chip, host = powered_with(OptionValues().with_rdp(0x55))
    chip.flash.load(FLASH, bytes(0x100000))
    unlock_options(host)
    host.write32(OPTSR_PRG, 0x0306AAD0)
    host.write32(OPTCR, 0x2)
    chip.clock.advance(4_000_000_000)
    power_cycle(chip)
    assert chip.options.current.rdp_level == 1
    assert chip.flash.is_blank(0)
    assert not chip.flash.is_blank(7)


@pytest.mark.parametrize(("corrupts", "level"), [(True, 1), (False, 0)])
def test_a_cut_option_change(corrupts, level):
    chip, host = connected(ChipConfig(cut_option_change_rdp1=corrupts))
    unlock_options(host)
    host.write32(WPSN_PRG, 0xF0)
    host.write32(OPTCR, 0x2)
    chip.clock.advance(1_000_000)
    power_cycle(chip)
    assert chip.options.current.rdp_level == level
    assert chip.options.current.wpsn == 0xFF


def test_level_two_closes_the_port_for_ever():
    chip, host = connected()
    unlock_options(host)
    host.write32(OPTSR_PRG, 0x179ECCF0)
    host.write32(OPTCR, 0x2)
    chip.clock.advance(1_000_000_000)
    assert host.try_read(0, 0)[0] == NOBODY
    power_cycle(chip)
    host.jtag_to_swd()
    assert host.try_read(0, 0)[0] == NOBODY


def test_a_refused_change_sets_the_error_until_it_is_cleared():
    chip, host = powered_with(OptionValues(optsr=0x17BEAAF0))
    assert change(chip, host, OPTSR_PRG, 0x0306AAD0) & CHANGE_ERROR
    host.write32(OPTSR_PRG, 0x17BEAAF0)
    host.write32(WPSN_PRG, 0xF0)
    host.write32(OPTCR, 0x2)
    assert not host.read32(OPTSR_CUR) & OPT_BUSY
    host.write32(OPTCCR, CHANGE_ERROR)
    host.write32(OPTCR, 0x2)
    assert host.read32(OPTSR_CUR) & OPT_BUSY


def test_a_pcrop_area_is_unreadable_and_not_erasable():
    chip, host = powered_with(OptionValues(prar=0x00010000))
    chip.flash.load(FLASH, bytes(1024))
    with pytest.raises(Refused):
        host.read32(FLASH + 0x1FC)
    host.recover()
    assert host.read32(FLASH + 0x200) == 0
    host.unlock()
    host.start_erase(0)
    assert host.status() & WRPERR


def test_the_flash_stays_locked_for_programming_at_level_one():
    chip, host = powered_with(OptionValues().with_rdp(0x55))
    host.unlock()
    host.write32(CR1, 0x32)
    host.write32(FLASH, 0)
    assert host.status() & WRPERR
    assert chip.flash.is_blank(0)
