"""The flash of the family's other dies: two banks that work by themselves and swap, other bits, smaller words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bmsrescue.twin.chip.config import ChipConfig
from bmsrescue.twin.chip.parts import PARTS, find_part
from bmsrescue.twin.chip.stm32h7 import Stm32H7
from swd_host import Refused, SwdHost, connected, make_chip

FLASH, BANK2 = 0x08000000, 0x08100000
REGISTERS, BANK_STEP = 0x52002000, 0x100
KEYR, OPTKEYR, CR, SR, CCR, OPTCR = 0x04, 0x08, 0x0C, 0x10, 0x14, 0x18
OPTSR_CUR, OPTSR_PRG, WPSN_CUR, WPSN_PRG, OPTSR2_PRG, ECC_FA = 0x1C, 0x20, 0x38, 0x3C, 0x74, 0x60
QW, OPERR, DBECCERR, WRPERR = 1 << 2, 1 << 22, 1 << 26, 1 << 17
RSR = 0x580244D0


class Bank:
    """One bank's registers, as a debugger reaches them."""

    def __init__(self, chip: Stm32H7, host: SwdHost, index: int) -> None:
        self.chip, self.host = chip, host
        self.base = REGISTERS + BANK_STEP * index
        self.small = chip.die.word_size == 16

    def read(self, register: int) -> int:
        return self.host.read32(self.base + register)

    def write(self, register: int, value: int) -> None:
        self.host.write32(self.base + register, value)

    def unlock(self) -> None:
        self.write(KEYR, 0x45670123)
        self.write(KEYR, 0xCDEF89AB)

    def start_erase(self, sector: int) -> None:
        self.write(CR, 0x24 | sector << 6 if self.small else 0xB4 | sector << 8)

    def wait(self) -> int:
        while self.read(SR) & QW:
            self.chip.clock.advance(1_000_000)
        return self.read(SR)


def banks_of(part: str, config: ChipConfig | None = None) -> tuple[Stm32H7, SwdHost, Bank, Bank]:
    chip, host = connected(replace(config or ChipConfig(), part=part))
    return chip, host, Bank(chip, host, 0), Bank(chip, host, 1)


@pytest.mark.parametrize("part", ["H743", "H7A3"])
def test_each_bank_has_a_lock_a_status_and_a_time_of_its_own(part: str) -> None:
    chip, host, first, second = banks_of(part)
    chip.flash.load(FLASH, b"\x11" * 64)
    chip.flash.load(BANK2, b"\x22" * 64)
    second.unlock()
    assert (first.read(CR) & 1, second.read(CR) & 1) == (1, 0)
    second.start_erase(0)
    assert (first.read(SR) & QW, second.read(SR) & QW) == (0, QW)
    assert host.read32(FLASH) == 0x11111111, "a bank is read while the other is erased"
    second.wait()
    assert host.read32(BANK2) == 0xFFFFFFFF
    assert host.read32(FLASH) == 0x11111111


@pytest.mark.parametrize("part", ["H743", "H7A3"])
def test_an_ecc_error_is_told_by_its_own_bank(part: str) -> None:
    chip, host, first, second = banks_of(part)
    chip.flash.tear(BANK2 + 3 * chip.die.word_size)
    with pytest.raises(Refused):
        host.read32(BANK2 + 3 * chip.die.word_size)
    host.recover()
    assert (first.read(SR) & DBECCERR, second.read(SR) & DBECCERR) == (0, DBECCERR)
    assert second.read(ECC_FA) == 3
    second.write(CCR, DBECCERR)
    assert not second.read(SR) & DBECCERR


def test_a_16_byte_word_is_programmed_when_its_last_byte_is_there() -> None:
    _, host, first, _ = banks_of("H7A3")
    first.unlock()
    first.write(CR, 0x2)
    for at in range(0, 16, 4):
        assert not first.read(SR) & QW
        host.write32(FLASH + 32 + at, 0x01020304 + at)
    assert first.read(SR) & QW
    first.wait()
    assert [host.read32(FLASH + 32 + at) for at in range(0, 16, 4)] == [0x01020304 + at for at in range(0, 16, 4)]


def test_force_write_start_and_sector_have_their_own_places_on_the_h7ax() -> None:
    chip, host, first, _ = banks_of("H7A3")
    chip.flash.load(FLASH + 77 * 8192, b"\x55" * 8192)
    first.unlock()
    first.write(CR, 0x24 | 77 << 6)
    first.wait()
    assert chip.flash.is_blank(77)
    first.write(CR, 0x2)
    host.write32(FLASH, 0xCAFEF00D)
    first.write(CR, 0x2 | 1 << 4)
    first.wait()
    assert host.read32(FLASH) == 0xCAFEF00D
    first.write(CR, 0xFFFFFFFE & ~0x3E)
    assert not first.read(CR) & 0x30, "there is no PSIZE to be kept"


def test_a_worn_sector_shows_no_flag_that_the_die_does_not_have() -> None:
    chip, _, first, _ = banks_of("H7A3")
    chip.flash.worn[2] = "erase"
    first.unlock()
    first.start_erase(2)
    assert not first.wait() & OPERR


@pytest.mark.parametrize(("part", "group"), [("H743", 1), ("H7A3", 4)])
def test_a_bit_of_write_protection_covers_its_group_of_sectors(part: str, group: int) -> None:
    chip, host = connected(ChipConfig(part=part))
    factory = chip.options.factory
    chip.options.preset(replace(factory, wpsn2=factory.wpsn2 & ~(1 << 3)))
    second = Bank(chip, host, 1)
    second.unlock()
    refused = []
    for sector in range(2 * group, 6 * group):
        second.write(CCR, WRPERR)
        second.start_erase(sector)
        if second.wait() & WRPERR:
            refused.append(sector)
    assert refused == list(range(3 * group, 4 * group))
    assert second.read(WPSN_CUR) == factory.wpsn2 & ~(1 << 3)


@pytest.mark.parametrize("part", ["H743", "H7A3"])
def test_the_shared_registers_are_seen_in_both_windows(part: str) -> None:
    chip, _, first, second = banks_of(part)
    assert first.read(OPTSR_CUR) == second.read(OPTSR_CUR) == chip.options.current.optsr
    second.write(OPTKEYR, 0x08192A3B)
    second.write(OPTKEYR, 0x4C5D6E7F)
    assert not first.read(OPTCR) & 1
    second.write(WPSN_PRG, chip.options.factory.wpsn2 & ~1)
    second.write(OPTCR, 2)
    chip.clock.advance(2_000_000_000)
    assert chip.options.stored == replace(chip.options.factory, wpsn2=chip.options.factory.wpsn2 & ~1)


@pytest.mark.parametrize("part", ["H743", "H7A3"])
def test_banks_change_places_at_the_reset_after_the_option(part: str) -> None:
    chip, host, first, _ = banks_of(part)
    chip.flash.load(FLASH, b"\x11" * 64)
    chip.flash.load(BANK2, b"\x22" * 64)
    first.write(OPTKEYR, 0x08192A3B)
    first.write(OPTKEYR, 0x4C5D6E7F)
    first.write(OPTSR_PRG, first.read(OPTSR_CUR) | 1 << 31)
    first.write(OPTCR, 2)
    chip.clock.advance(2_000_000_000)
    assert host.read32(FLASH) == 0x11111111, "not before the reset"
    assert not first.read(OPTCR) >> 31
    chip.set_nrst(True)
    chip.clock.advance(1_000_000)
    chip.set_nrst(False)
    chip.clock.advance(1_000_000)
    assert first.read(OPTCR) >> 31
    assert (host.read32(FLASH), host.read32(BANK2)) == (0x22222222, 0x11111111)


def test_a_mass_erase_of_all_banks_needs_both_unlocked() -> None:
    chip, host, first, second = banks_of("H743")
    chip.flash.load(FLASH, b"\x11" * 64)
    chip.flash.load(BANK2, b"\x22" * 64)
    first.unlock()
    first.write(OPTKEYR, 0x08192A3B)
    first.write(OPTKEYR, 0x4C5D6E7F)
    first.write(OPTCR, 1 << 4)
    assert not first.read(SR) & QW
    second.unlock()
    first.write(OPTCR, 1 << 4)
    assert first.read(SR) & second.read(SR) & QW
    first.wait()
    second.wait()
    assert (host.read32(FLASH), host.read32(BANK2)) == (0xFFFFFFFF, 0xFFFFFFFF)


def test_a_part_of_128_kib_has_no_second_bank() -> None:
    _, host, _, second = banks_of("H7B0")
    second.unlock()
    assert second.read(CR) == 0
    with pytest.raises(Refused):
        host.read32(FLASH + 0x20000)


@pytest.mark.parametrize("part", ["H743", "H7A3"])
def test_there_is_no_second_option_word_on_the_other_dies(part: str) -> None:
    chip, _, first, _ = banks_of(part)
    first.write(OPTKEYR, 0x08192A3B)
    first.write(OPTKEYR, 0x4C5D6E7F)
    first.write(OPTSR2_PRG, 0x3)
    assert chip.options.staged.optsr2 == 0


@pytest.mark.parametrize("part", sorted(PARTS))
def test_a_power_on_reset_is_told_by_the_flags_the_die_has(part: str) -> None:
    chip = make_chip(ChipConfig(part=part))
    host = SwdHost(chip.swd)
    host.connect()
    assert host.read32(RSR) == (0x00E80000 if chip.die.word_size == 16 else 0x00FA0000)


def test_a_part_is_found_by_any_of_its_names() -> None:
    assert find_part("H743") is find_part("stm32h743vit6") is PARTS["H743"]
    with pytest.raises(KeyError):
        find_part("H999")
