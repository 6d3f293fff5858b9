"""Supply thresholds, NRST, boot selection, and a supply setting that does not fit the board."""

from __future__ import annotations

from bmsrescue.twin.chip.config import ChipConfig
from bmsrescue.twin.chip.flash.option_bytes import OptionValues
from swd_host import AIRCR, FLASH, NOBODY, SwdHost, connected, make_chip

MS = 1_000_000


def watch(chip):
    kinds = []
    chip.system.on_reset.append(kinds.append)
    return kinds


def test_the_core_starts_some_time_after_the_supply_is_there():
    chip = make_chip(powered=False)
    kinds = watch(chip)
    assert chip.nrst_low
    chip.set_vdd_mv(1600)
    assert not chip.system.powered
    chip.set_vdd_mv(3300)
    assert kinds == ["power"]
    chip.clock.advance(300_000)
    assert chip.nrst_low
    chip.clock.advance(100_000)
    assert not chip.nrst_low
    assert not chip.system.in_reset


def test_vdd_has_hysteresis():
    chip = make_chip()
    chip.set_vdd_mv(1640)
    assert chip.system.powered
    chip.set_vdd_mv(1610)
    assert not chip.system.powered
    chip.set_vdd_mv(1640)
    assert not chip.system.powered


def test_brown_out_by_option_level():
    chip = make_chip(powered=False)
    chip.options.preset(OptionValues(optsr=0x0306AAD0 | 3 << 2))
    kinds = watch(chip)
    chip.set_vdd_mv(2650)
    chip.clock.advance(10 * MS)
    assert chip.nrst_low
    chip.set_vdd_mv(3300)
    chip.clock.advance(10 * MS)
    assert not chip.nrst_low
    chip.set_vdd_mv(2600)
    assert kinds == ["power", "bor"]
    chip.clock.advance(10 * MS)
    assert chip.nrst_low
    chip.set_vdd_mv(2750)
    chip.clock.advance(10 * MS)
    assert not chip.nrst_low


def test_an_internal_reset_pulls_nrst_for_about_twenty_microseconds():
    chip, host = connected()
    levels = []
    chip.system.on_nrst.append(lambda low: levels.append((low, chip.clock.now_ns)))
    kinds = watch(chip)
    host.write(1, 0x4, AIRCR)
    host.write(1, 0xC, 0x05FA0004)
    host.idle()
    chip.clock.advance(MS)
    assert kinds == ["software"]
    assert [low for low, _ in levels] == [True, False]
    assert levels[1][1] - levels[0][1] == 20_000


def test_the_board_can_hold_the_core_in_reset():
    chip, _host = connected()
    kinds = watch(chip)
    chip.set_nrst(True)
    chip.clock.advance(100 * MS)
    assert kinds == ["pin"]
    assert chip.system.in_reset
    assert not chip.nrst_low
    chip.set_nrst(False)
    assert not chip.system.in_reset


def test_boot0_is_latched_when_reset_ends():
    chip = make_chip()
    assert chip.system.boot_address == FLASH
    chip.set_boot0(True)
    assert chip.system.boot_address == FLASH
    chip.set_nrst(True)
    chip.clock.advance(MS)
    chip.set_nrst(False)
    assert chip.system.boot_address == 0x1FF00000
    chip.clock.advance(MS)
    assert chip.core.pc == 0x1FF09A00


def test_a_blank_chip_locks_up():
    chip = make_chip()
    chip.core.run_to(chip.clock.now_ns)
    assert chip.core.lockup


def test_a_supply_setting_that_does_not_fit_takes_vcore_away_until_power_off():
    chip, host = connected(ChipConfig(board_supply="smps"))
    chip.system.select_supply(0x02)
    assert host.try_read(0, 0)[0] == 1
    chip.clock.advance(2 * MS)
    assert host.try_read(0, 0)[0] == NOBODY
    assert chip.vcap_mv == 0
    chip.set_nrst(True)
    chip.clock.advance(MS)
    chip.set_nrst(False)
    chip.clock.advance(MS)
    host.jtag_to_swd()
    assert host.try_read(0, 0)[0] == NOBODY
    chip.set_vdd_mv(0)
    chip.set_vdd_mv(3300)
    chip.clock.advance(MS)
    assert host.connect() == 0x6BA02477
    assert chip.vcap_mv == 1000


def test_a_supply_setting_that_fits_changes_nothing():
    chip, host = connected(ChipConfig(board_supply="smps"))
    chip.system.select_supply(0x04)
    chip.clock.advance(10 * MS)
    assert host.try_read(0, 0)[0] == 1


def test_dbgmcu_outlasts_a_reset_but_not_a_power_cycle():
    chip, host = connected()
    host.write32(0x5C001004, 0x00600007)
    host.write32(0x5C001054, 0x00040000)
    assert chip.dbgmcu.freezes_iwdg
    chip.set_nrst(True)
    chip.set_nrst(False)
    chip.clock.advance(MS)
    assert host.read32(0x5C001004) == 0x00600007
    chip.set_vdd_mv(0)
    chip.set_vdd_mv(3300)
    chip.clock.advance(MS)
    host.connect()
    assert host.read32(0x5C001004) == 0


def test_identity_words():
    chip = make_chip()
    host = SwdHost(chip.swd)
    host.connect()
    assert host.read32(0x5C001000) == 0x10016483
    assert host.read32(0x1FF1E880) & 0xFFFF == 1024
    assert host.read32(0x1FF1E8C0) == 0x48373235
    assert [host.read32(0x1FF1E800 + 4 * n) for n in range(3)] == list(chip.config.unique_id)


def test_stop_and_standby_are_silent_unless_the_debugger_has_asked_for_its_clock():
    for mode, dbgmcu_cr in (("stop", 0x2), ("standby", 0x4)):
        chip, host = connected()
        chip.system.set_low_power(mode)
        assert host.try_read(0, 0)[0] == NOBODY
        chip.system.set_low_power("run")
        host.write32(0x5C001004, dbgmcu_cr)
        chip.system.set_low_power(mode)
        assert host.try_read(0, 0)[0] == 1


def test_standby_takes_vcap_away_until_nrst():
    chip, _host = connected()
    chip.system.set_low_power("standby")
    assert chip.vcap_mv == 0
    chip.set_nrst(True)
    chip.set_nrst(False)
    assert chip.vcap_mv == 1000


def test_old_bootloaders_use_up_the_one_write_of_cr3():
    for version, locked in ((0x91, True), (0x93, False)):
        chip = make_chip(ChipConfig(bootloader_version=version), powered=False)
        chip.set_boot0(True)
        chip.set_vdd_mv(3300)
        chip.clock.advance(MS)
        host = SwdHost(chip.swd)
        host.connect()
        host.write32(0x5802480C, 0x02)
        assert (host.read32(0x5802480C) & 0xFF == 0x06) is locked
