"""Values that silicon or a manual gives, one test each: docs/reference/silicon.md names the source of every one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bmsrescue.twin.chip.config import ChipConfig
from bmsrescue.twin.chip.core import regs as r
from bmsrescue.twin.chip.flash.option_bytes import OptionValues
from swd_host import (
    CCR1,
    CLEAR_FLAGS,
    CSW,
    DHCSR,
    DRW,
    DTCM,
    ECC_FA1,
    FAULT,
    FLASH,
    HALT,
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

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs" / "reference" / "silicon.md"
CTRL_STAT = 0x4
READOK = 1 << 6


def table(host: SwdHost, base: int, words: int) -> list[int]:
    """Where the entries of a ROM table point to; absent ones are left out."""
    entries = [host.read32(base + 4 * n) for n in range(words)]
    return [(base + (entry & 0xFFFFF000)) & 0xFFFFFFFF for entry in entries if entry & 1]


def part_number(host: SwdHost, base: int) -> int:
    return host.read32(base + 0xFE0) & 0xFF | (host.read32(base + 0xFE4) & 0xF) << 8


def on_debug_bus() -> SwdHost:
    _chip, host = connected()
    host.write(0, 0x8, 2 << 24)
    host.write(1, CSW, 0x80000012)
    return host


def test_factory_option_bytes() -> None:
    values = OptionValues()
    assert values.optsr == 0x0306AAD0
    assert (values.prar, values.scar, values.wpsn) == (0x000000FF, 0x000000FF, 0x000000FF)


@pytest.mark.parametrize(
    ("part", "cpuid"), [("H725", 0x411FC272), ("H730", 0x411FC272), ("H743", 0x411FC271), ("H753", 0x411FC271)]
)
def test_cpuid_of_the_die(part: str, cpuid: int) -> None:
    _chip, host = connected(ChipConfig(part=part))
    assert host.read32(r.CPUID) == cpuid


@pytest.mark.parametrize(("part", "idc"), [("H753", 0x20036450), ("H743", 0x20036450), ("H725", 0x10016483)])
def test_identity_word(part: str, idc: int) -> None:
    _chip, host = connected(ChipConfig(part=part))
    assert host.read32(0x5C001000) == idc


def test_the_reserved_bits_of_the_identity_word_are_a_switch() -> None:
    _chip, host = connected(ChipConfig(idc_reserved=0))
    assert host.read32(0x5C001000) == 0x10010483


def test_flash_size_of_an_h753() -> None:
    _chip, host = connected(ChipConfig(part="H753"))
    assert host.read32(0x1FF1E880) & 0xFFFF == 0x0800


def test_debug_port_identity() -> None:
    _chip, host = connected()
    assert host.read(0, 0x0) == 0x6BA02477
    assert [host.ap_read(0xFC, ap) for ap in range(3)] == [0x84770001, 0x84770001, 0x54770002]
    assert host.ap_read(0xF8, 1) == 0x00000002


def test_target_id_of_an_h743() -> None:
    _chip, host = connected(ChipConfig(part="H743"))
    host.write(0, 0x8, 0x2)
    assert host.read(0, CTRL_STAT) == 0x04500041


def test_breakpoint_unit_has_eight_code_and_one_literal_comparator() -> None:
    _chip, host = connected()
    control = host.read32(r.FP_CTRL)
    assert (control >> 4 & 0xF, control >> 8 & 0xF) == (8, 1)
    host.write32(r.FP_COMP0 + 4 * 8, 0x20000100)
    assert host.read32(r.FP_COMP0 + 4 * 8) == 0x20000100


def test_the_cores_rom_table_lists_etm_and_cti() -> None:
    _chip, host = connected()
    assert table(host, 0xE00FE000, 4) == [0xE00FF000, 0xE0041000, 0xE0043000]
    assert (part_number(host, 0xE0041000), part_number(host, 0xE0043000)) == (0x975, 0x906)
    host.write32(0xE0043000, 1)
    assert host.read32(0xE0043000) == 1, "a trigger set-up reads back"


def test_the_debug_bus_has_a_table_of_st_in_its_table() -> None:
    host = on_debug_bus()
    assert table(host, 0xE00E0000, 4) == [0xE00E3000, 0xE00E4000, 0xE00F0000]
    assert part_number(host, 0xE00F0000) == 0x001
    assert table(host, 0xE00F0000, 8) == [0xE00F1000, 0xE00F3000, 0xE00F4000, 0xE00F5000]
    assert [part_number(host, at) for at in (0xE00F1000, 0xE00F3000, 0xE00F4000, 0xE00F5000)] == [
        0x906,
        0x908,
        0x961,
        0x912,
    ]


@pytest.mark.parametrize(("part", "data_kib", "instruction_kib"), [("H725", 32, 32), ("H743", 16, 16)])
def test_cache_sizes(part: str, data_kib: int, instruction_kib: int) -> None:
    _chip, host = connected(ChipConfig(part=part))
    for select, kib in ((0, data_kib), (1, instruction_kib)):
        host.write32(r.CSSELR, select)
        value = host.read32(r.CCSIDR)
        sets, ways, line = (value >> 13 & 0x7FFF) + 1, (value >> 3 & 0x3FF) + 1, 16 << (value & 7)
        assert sets * ways * line == kib * 1024


def test_lock_up_of_a_blank_chip_has_entered_hardfault() -> None:
    chip = make_chip()
    chip.clock.advance(5_000_000)
    chip.core.run_to(chip.clock.now_ns)
    assert chip.core.lockup
    host = SwdHost(chip.swd)
    host.connect()
    host.write32(DHCSR, HALT)
    names = {"xPSR": 16, "PC": 15, "LR": 14, "MSP": 17}
    registers = {name: chip.core.read_register(number) for name, number in names.items()}
    assert registers == {"xPSR": 0x01000003, "PC": 0xFFFFFFFE, "LR": 0xFFFFFFF9, "MSP": 0xFFFFFFD8}


def test_reset_halt_of_a_blank_chip() -> None:
    chip, host = connected()
    host.write32(0xE000EDFC, 0x01000001)
    host.write32(0xE000ED0C, 0x05FA0004)
    chip.clock.advance(1_000_000)
    names = {"xPSR": 16, "PC": 15, "MSP": 17}
    registers = {name: chip.core.read_register(number) for name, number in names.items()}
    assert registers == {"xPSR": 0x01000000, "PC": 0xFFFFFFFE, "MSP": 0xFFFFFFFC}


def test_ecc_address_goes_with_its_flag() -> None:
    chip, host = connected()
    chip.flash.load(FLASH, bytes(64))
    chip.flash.tear(FLASH + 0x20)
    for _ in range(2):
        with pytest.raises(Refused):
            host.read32(FLASH + 0x20)
        host.recover()
        host.write(1, CSW, 0x23000012)
    assert host.read32(ECC_FA1) == 1
    host.write32(CCR1, CLEAR_FLAGS)
    assert host.read32(ECC_FA1) == 0


def test_a_line_reset_sets_the_turnaround_back_to_one_cycle() -> None:
    _chip, host = connected()
    host.write(0, 0x8, 0x1)
    host.write(0, CTRL_STAT, 2 << 8)
    host.turn = 3
    assert host.read(0, 0x0) == 0x6BA02477
    host.line_reset()
    host.turn = 1
    assert host.read(0, 0x0) == 0x6BA02477


def test_readok_falls_with_a_refused_read_only() -> None:
    _chip, host = connected()
    host.read32(DTCM)
    assert host.read(0, CTRL_STAT) & READOK
    host.write(1, TAR, 0x30000000)  # not clocked: a bus error
    host.read(1, DRW)
    assert host.try_write(1, TAR, 0) == FAULT
    assert host.read(0, CTRL_STAT) & READOK, "a write was refused"
    assert host.try_read(0, 0xC)[0] == FAULT
    assert not host.read(0, CTRL_STAT) & READOK


def test_packed_transfers_move_four_bytes_wherever_they_begin() -> None:
    chip, host = connected()
    chip.rams["DTCM"].data[0:8] = bytes(range(8))
    host.write(1, CSW, 0x23000020)
    host.write(1, TAR, DTCM + 1)
    host.read(1, DRW)
    assert host.read(0, 0xC) == 0x03020104, "bytes 1, 2, 3 in their lanes and byte 4 in lane 0"
    assert host.read(1, TAR) is not None
    assert host.ap_read(TAR) == DTCM + 5


def test_write_protection_strobe_and_operation_errors_do_not_block_programming() -> None:
    chip, host = connected()
    chip.options.preset(OptionValues(wpsn=0xFE))
    host.unlock()
    host.start_erase(0)
    assert wait_flash(chip, host) & 1 << 17
    host.write32(0x5200200C, 0x32)
    host.write_word(FLASH + 0x20000, list(range(8)))
    assert wait_flash(chip, host) & 1 << 16
    assert chip.flash.snapshot()[0x20000:0x20004] == bytes(4)
    assert host.read32(FLASH + 0x20004) == 1


def test_pg_and_sector_may_be_written_while_an_operation_runs() -> None:
    chip, host = connected()
    host.unlock()
    host.start_erase(0)
    host.write32(0x5200200C, 0x32 | 3 << 8)
    assert host.read32(0x5200200C) == 0x332
    assert host.status() & 4
    wait_flash(chip, host)


def test_a_read_during_an_erase_stalls() -> None:
    chip, host = connected()
    host.unlock()
    host.start_erase(0)
    host.write(1, TAR, FLASH)
    host.read(1, DRW)
    assert host.try_read(0, 0xC)[0] == WAIT
    chip.clock.advance(2_100_000_000)
    assert host.try_read(0, 0xC)[0] == OK


def test_level_1_refuses_a_debuggers_read_with_rdperr_and_its_erase_with_wrperr() -> None:
    chip = make_chip(powered=False)
    chip.options.preset(OptionValues().with_rdp(0))
    chip.set_vdd_mv(3300)
    chip.clock.advance(1_000_000)
    host = SwdHost(chip.swd)
    host.connect()
    with pytest.raises(Refused):
        host.read32(FLASH)
    host.recover()
    assert host.read32(SR1) & 1 << 23
    host.unlock()
    host.start_erase(0)
    assert wait_flash(chip, host) & 1 << 17


def test_actvosrdy_comes_with_the_one_write_of_the_supply() -> None:
    chip, host = connected()
    csr1, cr3 = 0x58024804, 0x5802480C
    assert not host.read32(csr1) & 1 << 13
    host.write32(DTCM, 0x12345678)
    assert host.read32(DTCM) == 0x12345678
    host.write32(cr3, 0x02)
    chip.clock.advance(1_000_000)
    assert host.read32(csr1) & 1 << 13


def test_quiet_peripherals_read_back() -> None:
    _chip, host = connected()
    for register in (0x580244D4, 0x580244D8, 0x580244DC, 0x580244E0, 0x580244E8):
        host.write32(register, 0x07FFFFFF)
    for address in (0x52004000, 0x40003804, 0x58000000, 0x52005010, 0x40020010):
        host.write32(address, 0x00000AA5)
        assert host.read32(address) == 0x00000AA5
    host.write32(0x48021800, 1 << 2)
    assert host.read32(0x48021804) & 1
    assert host.read32(0x48021808) != host.read32(0x48021808)
    assert host.read32(0x58026480) == 0x80000300
    assert host.read32(0x52002000) == 0x37, "the flash registers are what they were"
    with pytest.raises(Refused):
        host.read32(0x53000000)


def test_a_usart_acknowledges_its_receiver() -> None:
    _chip, host = connected()
    host.write32(0x580244E8, 1 << 18)
    host.write32(0x40004800, 0x0D)
    assert host.read32(0x4000481C) & (1 << 21 | 1 << 22) == 1 << 21 | 1 << 22


def test_every_fact_of_the_page_names_a_test_that_exists() -> None:
    rows = re.findall(r"^\| .* \| (\S.*?) \|$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`(test_\w+)`", row)}
    assert len(named) > 30
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py")]
    missing = {name for name in named if not any(f"def {name}(" in source for source in sources)}
    assert not missing


def test_every_fact_of_the_page_has_a_source_and_a_standing() -> None:
    rows = [line.strip("|").split("|") for line in PAGE.read_text(encoding="utf-8").splitlines() if "`test_" in line]
    for row in rows:
        assert len(row) == 5, row
        assert row[3].strip() in ("silicon", "document", "unconfirmed"), row
        assert re.search(r"[A-Z]{2,}\d+|#\d+|DDI|IHI|thread|DS\d+", row[2]), row
