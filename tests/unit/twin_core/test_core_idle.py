"""Time: what waiting costs, when things happen for the core, and how its stores reach the flash controller."""

from __future__ import annotations

import pytest
from core_bench import DEVICE, DTCM, FLASH, HALT, RUN, CoreBench, thumb

from bmsrescue.twin.chip.bus import BusWait
from bmsrescue.twin.chip.core import regs as r
from bmsrescue.twin.chip.core.cortex_m7 import QUANTUM_CYCLES

SECOND_NS = 1_000_000_000
POLL = thumb(0x6801, 0x2900, 0xD1FC, 0x6041, 0xE7FE)  # 1: ldr r1, [r0]; cmp r1, #0; bne 1b; str r1, [r0, #4]; b .
POLL_WITH_LIMIT = thumb(0x3B01, 0xD003, 0x6801, 0x2900, 0xD1FA, 0x6041, 0xE7FE)  # 1: subs r3, #1; beq; ldr r1...


@pytest.fixture
def bench() -> CoreBench:
    return CoreBench()


def run_polling(bench: CoreBench, code: bytes) -> None:
    bench.start_in_ram(code)
    bench.write_register(0, DEVICE)
    bench.write_register(3, 10_000)
    bench.device.clear_at_ns = bench.clock.now_ns + SECOND_NS
    bench.poke(r.DHCSR, RUN)


@pytest.mark.parametrize("code", [POLL, POLL_WITH_LIMIT], ids=["endless", "with a limit"])
def test_polling_a_busy_flag_for_a_second_takes_a_handful_of_reads(bench: CoreBench, code: bytes) -> None:
    run_polling(bench, code)
    bench.run_us(2_000_000)
    assert bench.core.device_reads < 10
    [(written_ns, value)] = bench.device.written
    assert value == 0
    assert written_ns == pytest.approx(bench.device.clear_at_ns, abs=1000)


def test_polling_between_short_looks_of_the_debugger_costs_a_read_each(bench: CoreBench) -> None:
    run_polling(bench, POLL)
    for _ in range(1000):
        bench.run_us(12)
    assert bench.device.reads < 1010
    bench.run_us(1_000_000)
    assert len(bench.device.written) == 1


def test_skipped_waiting_counts_in_the_cycle_counter(bench: CoreBench) -> None:
    run_polling(bench, POLL)
    bench.poke(r.DEMCR, r.TRCENA)
    bench.poke(r.DWT_CTRL, 1)
    before = bench.peek(r.DWT_CYCCNT)
    bench.run_us(100_000)
    assert (bench.peek(r.DWT_CYCCNT) - before) == pytest.approx(6_400_000, abs=10)


def test_a_debuggers_write_to_ram_ends_a_wait_in_ram(bench: CoreBench) -> None:
    bench.start_in_ram(thumb(0x6801, 0x2900, 0xD0FC, 0xBE00))  # 1: ldr r1, [r0]; cmp r1, #0; beq 1b; bkpt
    bench.write_register(0, DTCM + 0x1000)
    bench.poke(r.DHCSR, RUN)
    bench.run_us(100)
    assert not bench.core.halted
    bench.poke(DTCM + 0x1000, 1)
    bench.run_us(100)
    assert bench.core.halted


def test_the_clock_shows_the_cores_own_time_to_devices_and_is_put_back(bench: CoreBench) -> None:
    bench.start_in_ram(thumb(0x6041, 0xE7FD))  # 1: str r1, [r0, #4]; b 1b
    bench.write_register(0, DEVICE)
    began_ns = bench.clock.now_ns
    bench.poke(r.DHCSR, RUN)
    bench.clock.advance(5_000)
    now_ns = bench.clock.now_ns
    bench.core.run_to(now_ns)
    times = [when_ns for when_ns, _ in bench.device.written]
    assert times == sorted(times)
    assert began_ns <= times[0] < times[-1] <= now_ns
    assert bench.clock.now_ns == now_ns


def test_what_the_core_schedules_happens_at_its_own_time_within_one_catch_up(bench: CoreBench) -> None:
    seen: list[int] = []
    bench.start_in_ram(thumb(0x6041, 0xE7FE))  # str r1, [r0, #4]; b .
    bench.write_register(0, DEVICE)
    note = bench.device.write

    def write(address: int, size: int, value: int) -> None:
        note(address, size, value)
        bench.clock.after(1000, lambda: seen.append(bench.clock.now_ns))

    bench.device.write = write  # type: ignore[method-assign]
    bench.poke(r.DHCSR, RUN)
    bench.run_us(1_000_000)
    [(written_ns, _)] = bench.device.written
    assert seen == [pytest.approx(written_ns + 1000, abs=QUANTUM_CYCLES * 1000 // 64)]


def test_a_store_to_flash_goes_to_the_controller_and_not_into_the_array(bench: CoreBench) -> None:
    # str r1, [r0], #4; ldr r2, [r3]; ldr r4, [r0, #-4]; bkpt
    bench.start_in_ram(thumb(0xF840, 0x1B04, 0x681A, 0xF850, 0x4C04, 0xBE00))
    bench.write_register(0, FLASH + 0x1000)
    bench.write_register(1, 0x12345678)
    bench.write_register(3, DEVICE)
    bench.poke(r.DHCSR, RUN)
    bench.run_us(10)
    assert bench.flash.stores == [(FLASH + 0x1000, 4, 0x12345678)]
    assert bench.array.snapshot()[0x1000:0x1004] == b"\xff" * 4
    assert bench.read_register(4) == 0xFFFFFFFF, "the cells have not changed"


def test_a_store_that_the_bus_holds_off_is_done_once_when_it_is_free(bench: CoreBench) -> None:
    free_at_ns = 50_000
    stores = bench.flash.stores

    def write(address: int, size: int, value: int) -> None:
        if bench.clock.now_ns < free_at_ns:
            raise BusWait(free_at_ns)
        stores.append((address, size, value))

    bench.flash.write = write  # type: ignore[method-assign]
    bench.start_in_ram(thumb(0xC002, 0xBE00))  # stmia r0!, {r1}; bkpt
    bench.write_register(0, FLASH)
    bench.poke(r.DHCSR, RUN)
    bench.run_us(40)
    assert not bench.core.halted
    bench.run_us(20)
    assert bench.core.halted
    assert len(stores) == 1
    assert bench.read_register(0) == FLASH + 4


@pytest.mark.parametrize("step_us", [300, 5_000, 1_000_000])
def test_polling_systicks_flag_misses_no_tick_and_costs_a_few_reads_each(bench: CoreBench, step_us: int) -> None:
    """1: ldr r1, [r0]; lsls r1, r1, #15; bpl 1b; adds r7, #1; b 1b, with SysTick each millisecond and no interrupt."""
    bench.start_in_ram(thumb(0x6801, 0x03C9, 0xD5FC, 0x3701, 0xE7FA))
    bench.write_register(0, r.SYST_CSR)
    bench.write_register(7, 0)
    bench.poke(r.SYST_RVR, 63_999)
    bench.poke(r.SYST_CVR, 0)
    bench.poke(r.SYST_CSR, r.SYST_ENABLE | r.SYST_CLKSOURCE)
    bench.poke(r.DHCSR, RUN)
    for _ in range(1_000_000 // step_us):
        bench.run_us(step_us)
    bench.poke(r.DHCSR, HALT)
    ticks = bench.read_register(7)
    assert ticks == pytest.approx(1000, abs=2)
    assert bench.core.device_reads < 6 * ticks * max(1, 1000 // step_us)
