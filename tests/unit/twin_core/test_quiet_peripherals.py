"""What lies on the peripheral buses of each die: every peripheral answers, what is reserved does not."""

from __future__ import annotations

import itertools

import pytest
from chip_bench import ChipBench

from bmsrescue.twin.chip import rcc_registers as rcc
from bmsrescue.twin.chip.bus import BusError
from bmsrescue.twin.chip.config import ChipConfig
from bmsrescue.twin.chip.parts import PARTS
from bmsrescue.twin.chip.peripherals.blocks import BLOCKS, Block, blocks_of

FMC_BCR1 = 0x52004000
RTC = 0x58004000
EXTI_CPUPR1 = 0x58000088
ON_EACH_DIE = ("H725", "H743", "H7A3")
RESERVED = {
    "H725": (0x40002800, 0x40017000, 0x40080000, 0x48021000, 0x52003000, 0x58004400, 0x58022000, 0x5200B800),
    "H743": (0x40006400, 0x40011800, 0x4000E000, 0x48024000, 0x5200A000, 0x58006800, 0x48021000),
    "H7A3": (0x40028000, 0x40080000, 0x48024000, 0x58024C00, 0x58026000, 0x58002C00, 0x48021000),
}


def chip_with(part: str) -> ChipBench:
    """Halted, with no peripheral's clock on but those that reset leaves on."""
    bench = ChipBench(ChipConfig(part=part))
    bench.power()
    bench.halt()
    return bench


def switch_on(bench: ChipBench, block: Block) -> None:
    if block.register is not None:
        bench.poke(rcc.BASE + block.register, bench.peek(rcc.BASE + block.register) | block.bits)


@pytest.mark.parametrize("part", PARTS)
def test_every_peripheral_of_a_part_answers_on_all_of_its_addresses(part: str) -> None:
    bench = chip_with(part)
    sold_as = PARTS[part]
    for block in blocks_of(sold_as.die.blocks, crypto=sold_as.crypto).values():
        switch_on(bench, block)
        for address in (block.start, block.start + block.size // 2, block.start + block.size - 4):
            bench.peek(address)


@pytest.mark.parametrize(("part", "address"), [(part, at) for part, places in RESERVED.items() for at in places])
def test_a_reserved_address_is_a_bus_error(part: str, address: int) -> None:
    bench = chip_with(part)
    with pytest.raises(BusError):
        bench.peek(address)
    with pytest.raises(BusError):
        bench.poke(address, 1)


@pytest.mark.parametrize("die", "24A")
def test_no_two_peripherals_share_an_address(die: str) -> None:
    blocks = sorted(blocks_of(die, crypto=True).values(), key=lambda block: block.start)
    assert len(blocks) == len([block for block in BLOCKS if die in block.dies])
    for block, following in itertools.pairwise(blocks):
        assert block.start + block.size <= following.start, (block.name, following.name)


@pytest.mark.parametrize("part", ON_EACH_DIE)
def test_the_memory_controller_shows_its_reset_values_once_it_is_clocked(part: str) -> None:
    bench = chip_with(part)
    bench.poke(FMC_BCR1, 0x30D2)
    assert bench.peek(FMC_BCR1) == 0, "without a clock nothing is read or written"
    bench.poke(rcc.BASE + rcc.AHB3ENR, 1 << 12)
    assert [bench.peek(FMC_BCR1 + 8 * bank) for bank in range(4)] == [0x30DB, 0x30D2, 0x30D2, 0x30D2]
    bench.poke(FMC_BCR1, 0x30D2)
    assert bench.peek(FMC_BCR1) == 0x30D2
    bench.chip.system.request_reset("software")
    bench.run_ms(1)
    bench.poke(rcc.BASE + rcc.AHB3ENR, 1 << 12)
    assert bench.peek(FMC_BCR1) == 0x30DB


@pytest.mark.parametrize("part", ON_EACH_DIE)
def test_a_bit_per_die_clocks_a_peripheral(part: str) -> None:
    """HSEM and CRC lie elsewhere on an H7Ax, behind other bits."""
    bench = chip_with(part)
    blocks = blocks_of(PARTS[part].die.blocks, crypto=False)
    for name, value in (("CRC", 0x04C11DB7), ("HSEM", 0x80000300)):
        offset = {"CRC": 0x14, "HSEM": 0x80}[name]
        block = blocks[name]
        assert bench.peek(block.start + offset) == 0
        switch_on(bench, block)
        assert bench.peek(block.start + offset) == value


def test_bytes_and_halfwords_change_only_their_part_of_a_register() -> None:
    bench = chip_with("H725")
    bench.poke(rcc.BASE + rcc.AHB3ENR, 1 << 12)
    bench.poke(FMC_BCR1 + 2, 0xAB, size=1)
    bench.poke(FMC_BCR1, 0x1234, size=2)
    assert bench.peek(FMC_BCR1) == 0x00AB1234
    assert bench.peek(FMC_BCR1 + 1, size=1) == 0x12


def test_flags_that_ones_clear_are_cleared_and_not_kept() -> None:
    bench = chip_with("H725")
    bench.poke(EXTI_CPUPR1, 0xFFFFFFFF)
    assert bench.peek(EXTI_CPUPR1) == 0


def test_what_a_driver_asks_hardware_to_do_is_done() -> None:
    bench = chip_with("H743")
    bench.poke(rcc.BASE + rcc.AHB1ENR, 1 << 25)
    bench.poke(0x40040010, 1)
    assert bench.peek(0x40040010) == 1 << 31, "the USB core has reset itself, its bus is idle"
    bench.poke(rcc.BASE + rcc.APB1LENR, 1 << 21 | 1 << 14)
    bench.poke(0x40005404, 1 << 13 | 0xA0)
    assert bench.peek(0x40005404) == 0xA0
    assert bench.peek(0x40005418) & 1 << 4, "nobody acknowledges on I2C"
    bench.poke(0x40003800, 1 << 9 | 1)
    assert bench.peek(0x40003800) == 1
    assert bench.peek(0x40003814) & 1 << 3, "the transfer is over"


def test_the_clock_takes_its_settings_and_keeps_them_over_a_reset_but_not_without_power() -> None:
    bench = chip_with("H725")
    assert bench.peek(RTC + 0x10) == 0x007F00FF, "the RTC's bus clock is on after reset"
    assert not bench.peek(RTC + 0x0C) & 1 << 6
    bench.poke(RTC + 0x0C, 1 << 7)
    assert bench.peek(RTC + 0x0C) & 1 << 6
    bench.poke(RTC, 0x00123456)
    bench.chip.system.request_reset("software")
    bench.run_ms(1)
    assert bench.peek(RTC) == 0x00123456
    bench.chip.set_vdd_mv(0)
    bench.run_ms(1)
    bench.power()
    assert bench.peek(RTC) == 0


def test_random_numbers_come_only_from_a_generator_that_is_on() -> None:
    bench = chip_with("H725")
    bench.poke(rcc.BASE + rcc.AHB2ENR, 1 << 6)
    assert not bench.peek(0x48021804) & 1
    bench.poke(0x48021800, 1 << 2)
    assert bench.peek(0x48021804) & 1
    assert len({bench.peek(0x48021808) for _ in range(100)}) == 100


@pytest.mark.parametrize("part", ON_EACH_DIE)
def test_the_enable_registers_are_reached_from_both_of_their_places(part: str) -> None:
    bench = chip_with(part)
    bench.poke(rcc.BASE + rcc.C1 + rcc.AHB4ENR - rcc.RSR, 0x7)
    assert bench.peek(rcc.BASE + rcc.AHB4ENR) == 0x7
    assert bench.peek(rcc.BASE + rcc.C1) == bench.peek(rcc.BASE + rcc.RSR)


@pytest.mark.parametrize(("start_ms", "ready"), [(2000.0, True), (None, False)])
def test_the_32_khz_crystal_starts_in_two_seconds_where_there_is_one(start_ms: float | None, ready: bool) -> None:
    bench = ChipBench(ChipConfig(lse_start_ms=start_ms))
    bench.power()
    bench.halt()
    bench.poke(rcc.BASE + rcc.BDCR, rcc.LSEON)
    bench.run_ms(1990)
    assert not bench.peek(rcc.BASE + rcc.BDCR) & rcc.LSERDY
    bench.run_ms(20)
    assert bool(bench.peek(rcc.BASE + rcc.BDCR) & rcc.LSERDY) is ready
