"""The flash controller through a debugger: keys, buffer, flags, times."""

from __future__ import annotations

import pytest

from bmsrescue.twin.chip.config import ChipConfig
from swd_host import (
    AIRCR,
    CCR1,
    CLEAR_FLAGS,
    CR1,
    CSW,
    DHCSR,
    DRW,
    ECC_FA1,
    FAULT,
    FLASH,
    HALT,
    KEYR1,
    OK,
    SR1,
    TAR,
    WAIT,
    Refused,
    SwdHost,
    connected,
    make_chip,
    wait_flash,
)

WORD = [0x03020100 + 0x04040404 * n for n in range(8)]
WORD_BYTES = bytes(range(32))
EOP, WRPERR, PGSERR, STRBERR, INCERR, OPERR, RDPERR, SNECCERR, DBECCERR = (
    1 << bit for bit in (16, 17, 18, 19, 21, 22, 23, 25, 26)
)
BSY, WBNE, QW = 1, 2, 4
PROGRAM = 0x32


def unlocked(config: ChipConfig | None = None):
    chip, host = connected(config)
    host.unlock()
    return chip, host


def programming(config: ChipConfig | None = None):
    chip, host = unlocked(config)
    host.write32(CR1, PROGRAM)
    return chip, host


def reset_chip(chip, host):
    host.write32(DHCSR, HALT)
    chip.set_nrst(True)
    chip.clock.advance(1_000_000)
    chip.set_nrst(False)
    chip.clock.advance(1_000_000)


def test_reset_values():
    _chip, host = connected()
    assert host.read32(CR1) == 0x31
    assert host.read32(SR1) == 0
    assert host.read32(0x52002000) == 0x37
    assert host.read32(0x52002050) == 0x001C0000


def test_cr_is_read_only_while_locked():
    _chip, host = connected()
    host.write32(CR1, PROGRAM)
    assert host.read32(CR1) == 0x31


def test_two_keys_open_and_lock_closes():
    _chip, host = unlocked()
    assert host.read32(CR1) == 0x30
    host.write32(CR1, 0x31)
    assert host.read32(CR1) & 1


def refuses_to_unlock(host):
    refused = [host.write32_fails(KEYR1, key) for key in (0x45670123, 0xCDEF89AB)]
    return all(refused) and bool(host.read32(CR1) & 1)


@pytest.mark.parametrize("keys", [(0x45670123, 0xCDEF89AA), (0xCDEF89AB,), (0x45670123, 0x45670123)])
def test_a_wrong_key_is_a_bus_error_and_locks_until_the_next_reset(keys):
    chip, host = connected()
    refused = [host.write32_fails(KEYR1, key) for key in keys]
    assert refused == [False] * (len(keys) - 1) + [True]
    assert refuses_to_unlock(host)
    reset_chip(chip, host)
    host.unlock()
    assert not host.read32(CR1) & 1


def test_a_third_key_is_a_bus_error_and_locks_until_the_next_reset():
    chip, host = unlocked()
    assert host.write32_fails(KEYR1, 0x45670123)
    assert host.read32(CR1) & 1
    assert refuses_to_unlock(host)
    host.write32(AIRCR, 0x05FA0004)
    chip.clock.advance(1_000_000)
    host.recover()
    host.write(1, CSW, 0x23000012)
    host.unlock()
    assert not host.read32(CR1) & 1


@pytest.mark.parametrize("register", [CR1, CCR1])
def test_another_register_of_the_bank_between_the_keys_locks(register):
    _chip, host = connected()
    host.write32(KEYR1, 0x45670123)
    assert host.write32_fails(register, 0)
    assert refuses_to_unlock(host)


def test_a_register_that_is_not_the_banks_may_be_written_between_the_keys():
    _chip, host = connected()
    host.write32(KEYR1, 0x45670123)
    host.write32(0x52002000, 0x37)
    host.write32(KEYR1, 0xCDEF89AB)
    assert not host.read32(CR1) & 1


def test_a_narrow_key_locks():
    _chip, host = connected()
    host.write(1, CSW, 0x23000011)
    assert host.write32_fails(KEYR1, 0x0123)
    host.write(1, CSW, 0x23000012)
    assert refuses_to_unlock(host)


def test_the_bus_error_of_a_wrong_key_can_be_switched_off():
    _chip, host = connected(ChipConfig(wrong_key_is_bus_error=False))
    host.write32(KEYR1, 0x12345678)
    host.unlock()
    assert host.read32(CR1) & 1


def test_the_sticking_lock_can_be_switched_off():
    _chip, host = connected(ChipConfig(wrong_unlock_sticks=False))
    assert host.write32_fails(KEYR1, 0x12345678)
    host.unlock()
    assert not host.read32(CR1) & 1


def test_key_registers_take_words_only():
    _chip, host = connected()
    host.write(1, CSW, 0x23000011)
    host.write(1, TAR, KEYR1)
    host.write(1, DRW, 0x0123)
    host.idle()
    assert host.try_read(0, 0xC)[0] == FAULT


def test_a_flash_word_is_programmed_when_its_thirty_second_byte_arrives():
    chip, host = programming()
    host.write_word(FLASH, WORD[:7])
    assert host.status() == WBNE
    assert chip.flash.is_blank(0)
    host.write32(FLASH + 28, WORD[7])
    assert host.status() & (QW | BSY | WBNE) == QW | BSY
    assert wait_flash(chip, host) == EOP
    assert chip.flash.snapshot()[:32] == WORD_BYTES
    host.write32(CCR1, CLEAR_FLAGS)
    assert host.status() == 0


def test_fw_pads_with_ones():
    chip, host = programming()
    host.write_word(FLASH, WORD[:2])
    host.write32(CR1, PROGRAM | 0x40)
    wait_flash(chip, host)
    assert chip.flash.snapshot()[:32] == WORD_BYTES[:8] + b"\xff" * 24
    assert host.read32(CR1) == PROGRAM


def test_clearing_pg_drops_a_partly_filled_buffer():
    chip, host = programming()
    host.write_word(FLASH, WORD[:2])
    host.write32(CR1, 0x30)
    assert host.status() == 0
    host.write32(CR1, PROGRAM)
    host.write_word(FLASH + 8, WORD[2:])
    assert host.status() == WBNE
    assert chip.flash.is_blank(0)


def test_a_write_without_pg_is_dropped_with_pgserr():
    chip, host = unlocked()
    host.write32(FLASH, 0)
    assert host.status() == PGSERR
    assert chip.flash.is_blank(0)


def test_sector_erase_left_set_makes_the_write_fail():
    _chip, host = unlocked()
    host.write32(CR1, PROGRAM | 0x4)
    host.write32(FLASH, 0)
    assert host.status() == PGSERR
    _chip, host = unlocked(ChipConfig(erase_bits_block_programming=False))
    host.write32(CR1, PROGRAM | 0x4)
    host.write32(FLASH, 0)
    assert host.status() == WBNE


def test_the_same_byte_twice_is_strberr():
    _chip, host = programming()
    host.write32(FLASH, 1)
    host.write32(FLASH, 2)
    assert host.status() == STRBERR | WBNE


def test_a_write_outside_the_open_word_is_incerr_and_loses_the_buffer():
    chip, host = programming()
    host.write32(FLASH, 1)
    host.write32(FLASH + 32, 2)
    assert host.status() == INCERR
    host.write32(FLASH, 1)
    assert host.status() == INCERR | PGSERR
    assert chip.flash.is_blank(0)


def test_a_protected_sector_is_neither_programmed_nor_erased():
    chip = make_chip(powered=False)
    chip.options.preset(type(chip.options.current)(wpsn=0xFB))
    chip.set_vdd_mv(3300)
    chip.clock.advance(1_000_000)
    host = SwdHost(chip.swd)
    host.connect()
    host.unlock()
    host.write32(CR1, PROGRAM)
    host.write32(FLASH + 2 * 0x20000, 0)
    assert host.status() == WRPERR
    host.write32(CCR1, CLEAR_FLAGS)
    host.start_erase(2)
    assert host.status() == WRPERR
    host.write32(CCR1, CLEAR_FLAGS)
    host.write32(CR1, 0xB8)
    assert host.status() == WRPERR
    host.write32(CCR1, CLEAR_FLAGS)
    host.start_erase(3)
    assert host.status() & QW


def test_sector_erase_empties_one_sector():
    chip, host = unlocked()
    chip.flash.load(FLASH, b"\x00" * 0x60000)
    host.start_erase(1)
    wait_flash(chip, host, 50)
    assert [chip.flash.is_blank(sector) for sector in range(3)] == [False, True, False]


def test_bank_erase_wins_over_sector_erase():
    chip, host = unlocked()
    chip.flash.load(FLASH, b"\x00" * 0x100000)
    host.write32(CR1, 0x3C)
    host.write32(CR1, 0xBC)
    wait_flash(chip, host, 500)
    assert all(chip.flash.is_blank(sector) for sector in range(8))


@pytest.mark.parametrize(
    ("psize", "erase_s", "program_us"),
    [
        (0, (2.0, 4.0), (290, 580)),
        (1, (1.8, 3.6), (180, 360)),
        (2, (1.1, 2.2), (130, 260)),
        (3, (1.0, 2.0), (100, 200)),
    ],
)
def test_busy_times_follow_the_parallelism(psize, erase_s, program_us):
    chip, host = unlocked()
    host.start_erase(0, psize)
    assert erase_s[0] <= (chip.flash_controller.busy_until_ns - chip.clock.now_ns) / 1e9 + 0.001 <= erase_s[1]
    wait_flash(chip, host, 50)
    host.write32(CR1, 0x2 | psize << 4)
    host.write_word(FLASH, WORD)
    left_us = (chip.flash_controller.busy_until_ns - chip.clock.now_ns) / 1000
    assert program_us[0] - 60 <= left_us <= program_us[1]


def test_an_operation_draws_the_current_of_its_parallelism():
    chip, host = unlocked()
    before_ua = chip.supply_ua
    host.start_erase(0)
    assert chip.supply_ua - before_ua == 35_000


def test_reading_flash_while_busy_waits_and_is_noticed():
    chip, host = unlocked()
    host.start_erase(1)
    host.write(1, TAR, FLASH)
    host.read(1, DRW)
    assert host.try_read(0, 0xC)[0] == WAIT
    chip.clock.advance(2_000_000_000)
    assert host.try_read(0, 0xC)[0] == OK
    assert chip.counters.violation_counts["reading flash while QW"] == 1


def test_one_flash_word_runs_and_one_waits_and_a_third_is_held_off():
    chip, host = programming()
    chip.swd.frequency_hz = 20_000_000
    for word in range(2):
        host.write_word(FLASH + 32 * word, WORD)
        assert host.status() & QW
    host.write(1, TAR, FLASH + 64)
    host.write(1, DRW, WORD[0])
    host.idle()
    assert host.try_write(1, DRW, WORD[1]) == WAIT
    chip.clock.advance(300_000)
    for word in WORD[1:]:
        host.write(1, DRW, word)
    host.idle()
    wait_flash(chip, host)
    assert chip.flash.snapshot()[:96] == WORD_BYTES * 3


def test_what_waits_begins_when_what_runs_has_ended():
    chip, host = programming(ChipConfig(flash_time_spread=0.0))
    chip.swd.frequency_hz = 20_000_000
    began_ns = chip.clock.now_ns
    for word in range(2):
        host.write_word(FLASH + 32 * word, WORD)
    chip.clock.advance(began_ns + 199_000 - chip.clock.now_ns)
    assert host.status() & QW
    chip.clock.advance(200_000)
    assert not host.status() & QW
    assert chip.flash.snapshot()[:64] == WORD_BYTES * 2


def test_a_sector_erase_waits_for_the_one_before_it():
    chip, host = unlocked(ChipConfig(flash_time_spread=0.0))
    for sector in (0, 1):
        chip.flash.load(FLASH + 0x20000 * sector, bytes(64))
        host.start_erase(sector)
    chip.clock.advance(1_500_000_000)
    assert chip.flash.is_blank(0)
    assert not chip.flash.is_blank(1)
    assert host.status() & (QW | EOP) == QW | EOP
    chip.clock.advance(600_000_000)
    assert chip.flash.is_blank(1)
    assert not host.status() & QW


def test_a_read_is_served_when_all_earlier_operations_are_done():
    chip, host = programming(ChipConfig(flash_time_spread=0.0))
    chip.swd.frequency_hz = 20_000_000
    for word in range(2):
        host.write_word(FLASH + 32 * word, WORD)
    host.write(1, TAR, FLASH + 32)
    host.read(1, DRW)
    chip.clock.advance(120_000)
    assert host.try_read(0, 0xC)[0] == WAIT
    chip.clock.advance(120_000)
    assert host.try_read(0, 0xC) == (OK, WORD[0] | (WORD[0].bit_count() & 1) << 32)


def test_a_write_to_a_full_queue_can_be_made_an_error():
    chip, host = programming(ChipConfig(write_while_busy="error"))
    chip.swd.frequency_hz = 20_000_000
    for word in range(2):
        host.write_word(FLASH + 32 * word, WORD)
    host.write32(FLASH + 64, 0)
    assert wait_flash(chip, host) & PGSERR


def test_a_pending_sequence_error_stops_programming_and_empties_the_buffer():
    chip, host = unlocked()
    host.write32(FLASH, 0)
    assert host.status() & PGSERR
    host.write32(CR1, PROGRAM)
    host.write_word(FLASH, WORD)
    assert host.status() & (PGSERR | WBNE | QW) == PGSERR
    host.write32(CCR1, CLEAR_FLAGS)
    host.write_word(FLASH, WORD)
    wait_flash(chip, host)
    assert chip.flash.snapshot()[:32] == WORD_BYTES


def test_a_byte_written_twice_is_flagged_and_the_new_one_is_programmed():
    chip, host = programming()
    host.write_word(FLASH, [0xDEADBEEF])
    host.write_word(FLASH, WORD)
    assert wait_flash(chip, host) & (STRBERR | EOP) == STRBERR | EOP
    assert chip.flash.snapshot()[:32] == WORD_BYTES


def test_the_registers_are_held_for_a_moment_after_start():
    chip, host = unlocked(ChipConfig(start_hold_us=100))
    chip.swd.frequency_hz = 20_000_000
    host.write32(CR1, 0x34)
    host.write(1, TAR, CR1)
    host.write(1, DRW, 0xB4)
    host.write(1, TAR, SR1)
    host.read(1, DRW)
    assert host.try_read(0, 0xC)[0] == WAIT
    chip.clock.advance(100_000)
    assert host.read(0, 0xC) & QW


def test_bsy_may_drop_inside_an_operation_and_qw_never():
    chip, host = unlocked(ChipConfig(bsy_drops_between_steps=True))
    host.start_erase(0)
    seen = set()
    for _ in range(1500):
        status = host.status()
        if not status & QW:
            break
        seen.add(status & BSY)
        chip.clock.advance(1_000_000)
    assert seen == {0, 1}


def test_programming_other_data_over_a_word_breaks_its_ecc():
    chip, host = programming()
    chip.flash.load(FLASH, b"\xf0" * 32)
    host.write_word(FLASH, [0x3C3C3C3C] * 8)
    wait_flash(chip, host)
    assert chip.flash.is_torn(FLASH)
    assert chip.flash.snapshot()[:32] == b"\x30" * 32


def test_programming_the_same_data_or_all_zeros_again_is_fine():
    for again in (b"\xf0" * 32, bytes(32)):
        chip, host = programming()
        chip.flash.load(FLASH, b"\xf0" * 32)
        host.write_word(FLASH, [int.from_bytes(again[:4], "little")] * 8)
        wait_flash(chip, host)
        assert not chip.flash.is_torn(FLASH)
        assert chip.flash.snapshot()[:32] == again


def test_reading_a_torn_word_faults_and_is_latched_once():
    chip, host = unlocked()
    chip.flash.load(FLASH, bytes(64))
    chip.flash.tear(FLASH + 0x40)
    chip.flash.tear(FLASH + 0x80)
    for address in (FLASH + 0x48, FLASH + 0x80):
        with pytest.raises(Refused):
            host.read32(address)
        host.recover()
    assert host.status() & DBECCERR
    assert host.read32(ECC_FA1) == 2
    host.write32(CCR1, 0x06000000)
    assert not host.status() & DBECCERR
    with pytest.raises(Refused):
        host.read32(FLASH + 0x80)
    host.recover()
    assert host.read32(ECC_FA1) == 4


def test_a_weak_word_is_corrected_and_reported():
    chip, host = connected()
    chip.flash.load(FLASH, WORD_BYTES)
    chip.flash.weaken(FLASH)
    assert host.read32(FLASH) == WORD[0]
    assert host.status() == SNECCERR


def test_programming_over_a_torn_word_is_no_repair_but_erasing_is():
    chip, host = programming()
    chip.flash.tear(FLASH)
    host.write_word(FLASH, WORD)
    wait_flash(chip, host)
    assert chip.flash.is_torn(FLASH)
    host.start_erase(0)
    wait_flash(chip, host, 50)
    assert not chip.flash.is_torn(FLASH)


def test_a_worn_sector_ends_in_operr():
    chip, host = unlocked()
    chip.flash.load(FLASH, bytes(0x40000))
    chip.flash.worn = {0: "erase", 1: "program"}
    host.start_erase(0)
    assert wait_flash(chip, host, 50) == OPERR
    host.write32(CCR1, CLEAR_FLAGS)
    host.start_erase(1)
    assert wait_flash(chip, host, 50) == EOP
    host.write32(CCR1, CLEAR_FLAGS)
    host.write32(CR1, PROGRAM)
    host.write_word(FLASH + 0x20000, WORD)
    assert wait_flash(chip, host) == OPERR


def test_x64_below_its_supply_fails():
    chip, host = programming()
    chip.set_vdd_mv(1750)
    host.write_word(FLASH, WORD)
    assert wait_flash(chip, host) == OPERR
