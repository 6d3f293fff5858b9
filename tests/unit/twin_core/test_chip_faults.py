"""What a scenario can have wrong with the chip itself: crystal, protected areas, window watchdog, tired flash."""

from __future__ import annotations

import struct
from dataclasses import replace

import pytest
from chip_bench import ChipBench

from bmsrescue.twin.chip import rcc_registers as rcc
from bmsrescue.twin.chip.config import ChipConfig
from bmsrescue.twin.chip.core import regs as r
from bmsrescue.twin.chip.flash import registers as reg
from bmsrescue.twin.chip.flash.option_bytes import OptionValues
from bmsrescue.twin.chip.peripherals import wwdg
from swd_host import NOBODY, Refused, SwdHost, make_chip

FLASH = 0x08000000
CR, PLLCKSELR, RSR = rcc.BASE + rcc.CR, rcc.BASE + rcc.PLLCKSELR, rcc.BASE + rcc.RSR
SR1 = reg.FLASH_BASE + reg.SR
SECTOR_AND_START = reg.SER | 1 << 7 | 3 << 4
WHOLE_BANK = 0x00000000
"""PROT_AREA_START = PROT_AREA_END."""


def bench_with(program: bytes, *, config: ChipConfig | None = None, options: OptionValues | None = None) -> ChipBench:
    """`program` at 0x08000100 of a chip that is powered and runs it; all its exceptions go to 0x08000180 (b .)."""
    vectors = struct.pack("<16I", 0x20010000, FLASH + 0x101, *[FLASH + 0x181] * 14)
    bench = ChipBench(config, image=vectors.ljust(0x100, b"\xff") + program.ljust(0x80, b"\xff") + b"\xfe\xe7")
    if options is not None:
        bench.chip.options.preset(options)
    bench.power()
    return bench


def wait_for_crystal() -> bytes:
    """HSEON, then poll HSERDY; with it, loop at +0x14."""
    # ldr r0, cr; ldr r1, [r0]; orr r1, #0x10000; str r1, [r0]; 1: ldr r1, [r0]; tst r1, #0x20000; beq 1b; b .; cr
    code = bytes.fromhex("0548016841f480310160016811f4003ffbd0fee700bf00bf")
    return code + struct.pack("<I", CR)


def unlock(bench: ChipBench) -> None:
    bench.poke(reg.FLASH_BASE + reg.KEYR, reg.KEY1)
    bench.poke(reg.FLASH_BASE + reg.KEYR, reg.KEY2)


def erase(bench: ChipBench, sector: int) -> int:
    """Start an erase and wait as long as it takes; the flags of SR."""
    bench.poke(reg.FLASH_BASE + reg.CR, SECTOR_AND_START | sector << 8)
    bench.run_ms(1)
    while bench.peek(SR1) & reg.QW:
        bench.run_ms(10)
    return bench.peek(SR1)


# --- crystal ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("start_ms", "ready_at_1ms", "ready_at_500ms"), [(0.5, True, True), (400.0, False, True)])
def test_a_crystal_is_ready_after_its_time(start_ms: float, ready_at_1ms: bool, ready_at_500ms: bool) -> None:
    bench = ChipBench(ChipConfig(crystal_start_ms=start_ms))
    bench.power()
    bench.poke(CR, rcc.HSEON)
    bench.run_ms(1)
    assert bool(bench.peek(CR) & rcc.HSERDY) is ready_at_1ms
    bench.run_ms(499)
    assert bool(bench.peek(CR) & rcc.HSERDY) is ready_at_500ms


def test_a_pll_without_its_crystal_never_locks() -> None:
    bench = ChipBench(ChipConfig(crystal_start_ms=None))
    bench.power()
    bench.poke(PLLCKSELR, 0x02020052)
    bench.poke(CR, rcc.HSEON | rcc.PLL1ON | rcc.PLL2ON)
    bench.run_ms(5_000)
    assert not bench.peek(CR) & (rcc.HSERDY | rcc.PLL1RDY | rcc.PLL2ON << 1)


def test_a_pll_locks_once_its_crystal_is_there() -> None:
    bench = ChipBench(ChipConfig(crystal_start_ms=100.0))
    bench.power()
    bench.poke(PLLCKSELR, 0x02020052)
    bench.poke(CR, rcc.HSEON | rcc.PLL1ON)
    bench.run_ms(99)
    assert not bench.peek(CR) & rcc.PLL1RDY
    bench.run_ms(2)
    assert bench.peek(CR) & rcc.PLL1RDY


def test_the_core_runs_from_crystal_and_pll() -> None:
    bench = ChipBench(ChipConfig(crystal_start_ms=1.0, crystal_hz=25_000_000))
    bench.power()
    bench.halt()
    bench.poke(PLLCKSELR, 0x02020052)  # DIVM1 = 5, source HSE
    bench.poke(rcc.BASE + rcc.PLL1DIVR, 0x01010000 | 1 << 9 | 79)  # x80, /2
    bench.poke(CR, rcc.HSEON | rcc.PLL1ON)
    bench.run_ms(2)
    bench.poke(rcc.BASE + rcc.CFGR, rcc.SW_PLL1)
    assert bench.chip.core.frequency_hz == 200_000_000
    bench.poke(rcc.BASE + rcc.CFGR, rcc.SW_HSE)
    assert bench.chip.core.frequency_hz == 25_000_000
    assert bench.peek(rcc.BASE + rcc.CFGR) >> rcc.SWS_SHIFT & 7 == rcc.SW_HSE


@pytest.mark.parametrize(("start_ms", "loops_at"), [(None, range(0x08, 0x12)), (800.0, range(0x12, 0x14))])
def test_firmware_waits_for_the_crystal_as_long_as_it_takes(start_ms: float | None, loops_at: range) -> None:
    bench = bench_with(wait_for_crystal(), config=ChipConfig(crystal_start_ms=start_ms))
    bench.run_ms(900)
    reads = bench.chip.core.device_reads
    assert bench.chip.core.pc - FLASH - 0x100 in loops_at
    bench.run_ms(10_000)
    assert bench.chip.core.pc - FLASH - 0x100 in loops_at
    assert bench.chip.core.device_reads - reads < 10_000, "ten seconds of polling are skipped, not executed"


def test_a_scenario_can_take_the_crystal_away_later() -> None:
    bench = ChipBench()
    bench.chip.peripherals.rcc.crystal_start_ms = None
    bench.power()
    bench.poke(CR, rcc.HSEON)
    bench.run_ms(1_000)
    assert not bench.peek(CR) & rcc.HSERDY


# --- protected areas --------------------------------------------------------------------------------------------------


def read_word_of_flash() -> bytes:
    """movw r0, #0; movt r0, #0x0802; ldr r1, [r0]; then b . at +0x0A: data, not code, of sector 1."""
    return bytes.fromhex("40f20000c0f602000168fee7")


def test_an_execute_only_area_runs_but_is_not_read_by_the_core() -> None:
    options = OptionValues(prar=0x02FF0200)  # the first 64 KiB of sector 1
    bench = bench_with(read_word_of_flash(), options=options)
    bench.run_ms(1)
    assert bench.chip.core.pc == FLASH + 0x180, "in the handler"
    assert bench.peek(r.CFSR) & (r.CFSR_PRECISERR | r.CFSR_BFARVALID) == r.CFSR_PRECISERR | r.CFSR_BFARVALID
    assert bench.peek(r.BFAR) == FLASH + 0x20000
    assert bench.peek(SR1) & reg.RDPERR


def test_code_in_an_execute_only_area_runs() -> None:
    # movw r0, #1; movt r0, #0x0802; bx r0
    bench = ChipBench()
    bench.chip.flash.load(FLASH + 0x20000, bytes.fromhex("2a20fee7"))  # movs r0, #42; b .
    vectors = struct.pack("<16I", 0x20010000, FLASH + 0x101, *[FLASH + 0x181] * 14)
    jump = bytes.fromhex("40f20100c0f602000047")
    bench.chip.flash.load(FLASH, vectors.ljust(0x100, b"\xff") + jump.ljust(0x80, b"\xff") + b"\xfe\xe7")
    bench.chip.options.preset(OptionValues(prar=0x02FF0200))
    bench.power()
    bench.halt()
    assert bench.chip.core.pc == FLASH + 0x20002
    assert bench.chip.core.read_register(0) == 42


def test_start_equal_to_end_closes_the_whole_bank_and_no_firmware_starts() -> None:
    bench = bench_with(b"\xfe\xe7", options=OptionValues(prar=WHOLE_BANK))
    assert bench.chip.core.lockup, "its vectors are data"
    unlock(bench)
    assert erase(bench, 7) & reg.WRPERR
    assert not bench.chip.flash.is_blank(0)


def test_vectors_of_an_execute_only_bank_are_a_switch() -> None:
    config = ChipConfig(pcrop_serves_vectors=True)
    bench = bench_with(b"\xfe\xe7", config=config, options=OptionValues(prar=WHOLE_BANK))
    assert bench.chip.core.pc == FLASH + 0x100


def test_a_debugger_reads_no_execute_only_area() -> None:
    chip = make_chip(powered=False)
    chip.options.preset(OptionValues(prar=WHOLE_BANK))
    chip.set_vdd_mv(3300)
    chip.clock.advance(1_000_000)
    host = SwdHost(chip.swd)
    host.connect()
    with pytest.raises(Refused):
        host.read32(FLASH + 0x40000)
        host.read32(FLASH + 0x40000)
    host.recover()
    assert host.read32(SR1) & reg.RDPERR


def test_a_secure_area_reads_as_zeros_without_a_bus_error() -> None:
    options = OptionValues(scar=0x02FF0200)
    bench = ChipBench()
    bench.chip.flash.load(FLASH + 0x20000, b"\x55" * 64)
    bench.chip.options.preset(options)
    bench.power()
    assert bench.peek(FLASH + 0x20000) == 0
    assert bench.peek(SR1) & 0x01000000
    assert not bench.peek(SR1) & reg.RDPERR
    assert bench.peek(FLASH + 0x30000) == 0xFFFFFFFF, "behind the area"
    unlock(bench)
    assert erase(bench, 1) & reg.WRPERR
    assert bench.chip.flash.snapshot()[0x20000:0x20040] == b"\x55" * 64


def test_the_core_reads_zeros_from_a_secure_area() -> None:
    bench = bench_with(read_word_of_flash(), options=OptionValues(scar=0x02FF0200))
    bench.run_ms(1)
    bench.halt()
    assert bench.chip.core.pc == FLASH + 0x10A
    assert bench.chip.core.read_register(1) == 0
    assert bench.peek(SR1) & reg.RDSERR


# --- window watchdog --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("flags", [0x10000000, 0x10420000])
def test_a_window_watchdog_that_nobody_feeds_resets_the_chip(flags: int) -> None:
    bench = bench_with(b"\xfe\xe7", config=ChipConfig(wwdg_reset_flags=flags))
    bench.poke(RSR, rcc.RMVF)
    bench.poke(rcc.BASE + rcc.GCR, rcc.WW1RSC)
    bench.poke(rcc.BASE + rcc.APB3ENR, 1 << 6)
    bench.poke(wwdg.BASE + wwdg.CR, wwdg.WDGA | 0x7F)
    bench.run_ms(4)
    assert bench.peek(RSR) == 0, "64 steps of 4096 cycles at 64 MHz are 4.096 ms"
    bench.run_ms(1)
    assert bench.peek(RSR) == flags


def test_a_window_watchdog_fed_in_time_lives_and_fed_too_early_bites() -> None:
    bench = bench_with(b"\xfe\xe7")
    bench.poke(RSR, rcc.RMVF)
    bench.poke(rcc.BASE + rcc.GCR, rcc.WW1RSC)
    bench.poke(rcc.BASE + rcc.APB3ENR, 1 << 6)
    bench.poke(wwdg.BASE + wwdg.CFR, 0x52)
    bench.poke(wwdg.BASE + wwdg.CR, wwdg.WDGA | 0x7F)
    for _ in range(5):
        bench.run_ms(3)
        assert bench.peek(wwdg.BASE + wwdg.CR) & 0x7F <= 0x52
        bench.poke(wwdg.BASE + wwdg.CR, 0x7F)
    assert bench.peek(RSR) == 0
    bench.poke(wwdg.BASE + wwdg.CR, 0x7F)
    bench.run_ms(1)
    assert bench.peek(RSR) == 0x10000000


def test_a_halted_core_stops_the_window_watchdog_where_the_debugger_asked_for_it() -> None:
    bench = bench_with(b"\xfe\xe7")
    bench.poke(RSR, rcc.RMVF)
    bench.poke(0x5C001034, 1 << 6)
    bench.poke(rcc.BASE + rcc.GCR, rcc.WW1RSC)
    bench.poke(rcc.BASE + rcc.APB3ENR, 1 << 6)
    bench.poke(wwdg.BASE + wwdg.CR, wwdg.WDGA | 0x7F)
    bench.halt()
    bench.run_ms(500)
    assert bench.peek(RSR) == 0
    bench.resume()
    bench.run_ms(6)
    assert bench.peek(RSR) == 0x10000000


def test_without_ww1rsc_the_window_watchdog_resets_nothing() -> None:
    bench = bench_with(b"\xfe\xe7")
    bench.poke(RSR, rcc.RMVF)
    bench.poke(rcc.BASE + rcc.APB3ENR, 1 << 6)
    bench.poke(wwdg.BASE + wwdg.CR, wwdg.WDGA | 0x7F)
    bench.run_ms(100)
    assert bench.peek(RSR) == 0


# --- tired flash ------------------------------------------------------------------------------------------------------


def test_a_slow_sector_takes_its_time_and_is_good_then() -> None:
    bench = ChipBench()
    bench.chip.flash.load(FLASH, b"\x00" * 64)
    bench.chip.flash.slow_erase_ms[0] = 8_000
    bench.power()
    bench.halt()
    unlock(bench)
    began_ns = bench.clock.now_ns
    status = erase(bench, 0)
    assert 8_000 <= (bench.clock.now_ns - began_ns) / 1e6 <= 8_100
    assert status & reg.EOP
    assert not status & reg.OPERR
    assert bench.chip.flash.is_blank(0)
    erase(bench, 1)
    assert (bench.clock.now_ns - began_ns) / 1e6 <= 8_100 + 2_100


def program_word(bench: ChipBench, address: int) -> None:
    bench.poke(reg.FLASH_BASE + reg.CR, reg.PG | 3 << 4)
    for word in range(8):
        bench.poke(address + 4 * word, 0x12345678 + word)
    bench.run_ms(1)
    bench.poke(reg.FLASH_BASE + reg.CR, 3 << 4)


@pytest.mark.parametrize(("once", "broken_again"), [(True, False), (False, True)])
def test_a_marginal_word_holds_until_the_next_power_on(once: bool, broken_again: bool) -> None:
    bench = ChipBench()
    flash = bench.chip.flash
    flash.make_marginal(FLASH + 0x40, once=once)
    for expected in (True, broken_again):
        bench.chip.set_vdd_mv(0)
        bench.run_ms(1)
        bench.power()
        bench.halt()
        flash.blank(0)
        unlock(bench)
        program_word(bench, FLASH + 0x40)
        assert bench.peek(FLASH + 0x44) == 0x12345679, "verified"
        bench.chip.set_nrst(True)
        bench.run_ms(1)
        bench.chip.set_nrst(False)
        bench.run_ms(1)
        assert not flash.is_torn(FLASH + 0x40), "a reset is no power-on"
        bench.chip.set_vdd_mv(0)
        bench.run_ms(1)
        bench.power()
        assert flash.is_torn(FLASH + 0x40) is expected


def test_a_weak_word_is_lost_at_the_next_power_on() -> None:
    bench = ChipBench()
    bench.chip.flash.load(FLASH, b"\x11" * 64)
    bench.chip.flash.break_at_power_on(FLASH + 0x20)
    assert not bench.chip.flash.is_torn(FLASH + 0x20)
    bench.power()
    assert bench.chip.flash.is_torn(FLASH + 0x20)
    assert not bench.chip.flash.is_torn(FLASH)


def test_a_start_that_the_chip_ignores_erases_nothing_and_says_nothing() -> None:
    bench = ChipBench()
    bench.chip.flash.load(FLASH, b"\x00" * 64)
    bench.chip.flash_controller.ignore_starts()
    bench.power()
    bench.halt()
    unlock(bench)
    assert not erase(bench, 0) & (reg.EOP | reg.WRPERR)
    assert not bench.chip.flash.is_blank(0)
    assert erase(bench, 0) & reg.EOP
    assert bench.chip.flash.is_blank(0)


def test_a_vector_fetched_while_the_flash_is_busy_stalls_and_is_no_lock_up() -> None:
    bench = ChipBench()
    vectors = struct.pack("<16I", 0x20010000, 0x24000001, *[FLASH + 0x181] * 13, FLASH + 0x101)
    handler = bytes.fromhex("0137fee7")  # adds r7, #1; b .
    bench.chip.flash.load(FLASH, vectors.ljust(0x100, b"\xff") + handler.ljust(0x80, b"\xff") + b"\xfe\xe7")
    bench.power()
    bench.halt()
    bench.poke(0x24000000, 0xE7FEE7FE)
    bench.chip.core.write_register(15, 0x24000000)
    unlock(bench)
    bench.resume()
    bench.poke(reg.FLASH_BASE + reg.CR, SECTOR_AND_START | 5 << 8)
    bench.poke(r.ICSR, r.ICSR_PENDSTSET)
    bench.run_ms(500)
    assert bench.peek(SR1) & reg.QW
    assert bench.chip.core.pc == 0x24000000
    assert not bench.chip.core.lockup
    bench.run_ms(2_000)
    assert bench.chip.core.pc == FLASH + 0x102
    assert bench.chip.core.read_register(7) == 1


# --- other families ---------------------------------------------------------------------------------------------------


def attached(config: ChipConfig) -> SwdHost:
    host = SwdHost(make_chip(config).swd)
    host.jtag_to_swd()
    host.read(0, 0x0)
    host.power_up()
    return host


def idr(host: SwdHost, port: int) -> int:
    host.write(0, 0x8, port << 24 | 0xF0)
    host.read(1, 0xC)
    return host.read(0, 0xC)


def test_an_h5_shows_its_own_access_ports() -> None:
    host = attached(ChipConfig(family="h5"))
    assert host.read(0, 0x0) == 0x6BA02477
    assert [idr(host, port) for port in range(3)] == [0x54770002, 0x84770001, 0]


def test_a_clone_shows_its_one_access_port_and_its_core() -> None:
    host = attached(ChipConfig(family="m4-clone"))
    assert host.read(0, 0x0) == 0x2BA01477
    assert [idr(host, port) for port in range(3)] == [0x24770011, 0, 0]
    host.write(0, 0x8, 0)
    host.write(1, 0x0, 0x23000012)
    assert host.read32(r.CPUID) == 0x410FC241
    assert host.read32(0xE0042000) == 0x10016413
    with pytest.raises(Refused):
        host.read32(0x5C001000)
        host.read32(0x5C001000)


def test_the_dpidr_alone_can_be_another() -> None:
    host = attached(ChipConfig(dpidr=0x0BC11477))
    assert host.read(0, 0x0) == 0x0BC11477


# --- readout protection -----------------------------------------------------------------------------------------------


def test_at_level_1_the_firmware_runs_until_a_debugger_comes_and_then_stands_until_power_off() -> None:
    options = OptionValues().with_rdp(0x00)
    # movs r0, #0; 1: adds r0, #1; nop; b 1b
    bench = bench_with(bytes.fromhex("0020013000bffce7"), options=options)
    bench.run_ms(20)
    assert not bench.chip.core.lockup
    host = SwdHost(bench.chip.swd)
    host.connect()
    assert not bench.chip.core.lockup, "the debug port alone closes nothing"
    host.read32(r.CPUID)
    bench.run_ms(20)
    assert bench.chip.core.lockup
    bench.chip.set_nrst(True)
    bench.run_ms(1)
    bench.chip.set_nrst(False)
    bench.run_ms(20)
    assert bench.chip.core.lockup, "a reset does not open it"
    bench.chip.set_vdd_mv(0)
    bench.run_ms(1)
    bench.power()
    bench.run_ms(20)
    assert not bench.chip.core.lockup


def test_at_level_2_nobody_answers() -> None:
    bench = bench_with(b"\xfe\xe7", options=replace(OptionValues().with_rdp(0xCC)))
    with pytest.raises(Refused) as refused:
        SwdHost(bench.chip.swd).connect()
    assert refused.value.ack == NOBODY


# --- what would take the twin long ------------------------------------------------------------------------------------


def test_standing_still_with_interrupts_off_and_one_pending_is_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = bench_with(bytes.fromhex("72b6fee7"))  # cpsid i; b .
    bench.poke(r.SYST_RVR, 63_999)
    bench.poke(r.SYST_CSR, r.SYST_ENABLE | r.SYST_TICKINT | r.SYST_CLKSOURCE)
    bench.run_ms(5)
    runs = []
    engine = bench.chip.core._engine
    run = engine.run
    monkeypatch.setattr(engine, "run", lambda budget: runs.append(budget) or run(budget))
    bench.run_ms(240)
    assert bench.chip.core.pc == FLASH + 0x102
    assert bench.peek(r.ICSR) & r.ICSR_PENDSTSET
    assert len(runs) < 1_000, "not 64 cycles at a time"


def test_an_interrupt_that_is_let_through_again_is_taken_at_once() -> None:
    # cpsid i; 1: subs r0, #1; bne 1b; cpsie i; b . with r0 = 0x1000
    bench = bench_with(bytes.fromhex("4ff4805072b60138fdd162b6fee7"))
    bench.poke(r.SYST_RVR, 63_999)
    bench.poke(r.SYST_CSR, r.SYST_ENABLE | r.SYST_TICKINT | r.SYST_CLKSOURCE)
    bench.run_ms(3)
    assert bench.chip.core.pc == FLASH + 0x180, "in the handler"
