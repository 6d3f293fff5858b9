"""What a debugger sees of the core: halt, step, registers, vector catch, lockup, breakpoints, counters."""

from __future__ import annotations

import pytest
from core_bench import DTCM, FLASH, HALT, RUN, STACK, STEP, CoreBench, literal, thumb

from bmsrescue.twin.chip.core import regs as r
from bmsrescue.twin.chip.core.engine import Engine, Stop

COUNT = thumb(0x3001, 0xE7FD)  # adds r0, #1; b .-2
NOP = 0xBF00
BKPT = 0xBE00


@pytest.fixture
def bench() -> CoreBench:
    return CoreBench()


def test_the_core_fetches_its_vectors_and_executes_at_64_mhz(bench: CoreBench) -> None:
    bench.program(COUNT)
    bench.start()
    bench.run_us(1000)
    bench.poke(r.DHCSR, HALT)
    assert bench.peek(r.DHCSR) & r.S_HALT
    assert bench.read_register(0) == 64_000 // 2
    assert bench.read_register(13) == STACK
    assert bench.peek(r.DFSR) == r.DFSR_HALTED


def test_a_halted_core_stands_still_and_goes_on_after_resume(bench: CoreBench) -> None:
    bench.program(COUNT)
    bench.start()
    bench.run_us(10)
    bench.poke(r.DHCSR, HALT)
    before = bench.read_register(0)
    bench.run_us(1000)
    assert bench.read_register(0) == before
    bench.poke(r.DHCSR, RUN)
    bench.run_us(100)
    bench.poke(r.DHCSR, HALT)
    assert bench.read_register(0) == pytest.approx(before + 3200, abs=2)


def test_a_step_executes_exactly_one_instruction(bench: CoreBench) -> None:
    bench.program(COUNT)
    bench.start_halted()
    assert bench.read_register(15) == FLASH + 0x200
    assert bench.peek(r.DFSR) & r.DFSR_VCATCH
    bench.poke(r.DHCSR, STEP)
    assert bench.peek(r.DHCSR) & r.S_HALT
    assert (bench.read_register(15), bench.read_register(0)) == (FLASH + 0x202, 1)
    bench.poke(r.DHCSR, STEP)
    assert (bench.read_register(15), bench.read_register(0)) == (FLASH + 0x200, 1)


def test_all_registers_can_be_written_and_read(bench: CoreBench) -> None:
    bench.start_in_ram(thumb(BKPT))
    values = {number: 0x11110000 + number for number in (*range(13), 14, *range(64, 96))}
    values |= {15: DTCM + 0x100, 16: 0x61000000, 17: 0x20001000, 18: 0x20002000, 33: 0x01000000, 20: 0x02004001}
    for number, value in values.items():
        bench.write_register(number, value)
    assert {number: bench.read_register(number) for number in values} == values
    assert bench.read_register(13) == values[18], "CONTROL.SPSEL selects the process stack"


def test_registers_cannot_be_reached_while_the_core_runs(bench: CoreBench) -> None:
    bench.program(COUNT)
    bench.start()
    bench.run_us(10)
    bench.poke(r.DHCSR, RUN)
    bench.poke(r.DCRDR, 0x1234)
    bench.poke(r.DCRSR, 0)
    assert bench.peek(r.DCRDR) == 0x1234


def test_a_breakpoint_instruction_halts_at_itself(bench: CoreBench) -> None:
    bench.start_in_ram(thumb(NOP, NOP, BKPT, NOP))
    bench.poke(r.DHCSR, RUN)
    bench.run_us(10)
    assert bench.core.halted
    assert bench.read_register(15) == DTCM + 4
    assert bench.peek(r.DFSR) & r.DFSR_BKPT


def test_code_changed_by_the_debugger_is_what_runs_next(bench: CoreBench) -> None:
    bench.start_in_ram(thumb(0x2001, BKPT))
    bench.poke(r.DHCSR, RUN)
    bench.run_us(10)
    assert bench.read_register(0) == 1
    bench.ram.data[:2] = thumb(0x2002)
    bench.write_register(15, DTCM)
    bench.poke(r.DHCSR, RUN)
    bench.run_us(10)
    assert bench.read_register(0) == 2


def test_a_blank_flash_locks_up_and_the_debugger_can_halt_it(bench: CoreBench) -> None:
    bench.start()
    bench.run_us(10)
    assert bench.core.lockup
    bench.poke(r.DHCSR, RUN)
    assert bench.peek(r.DHCSR) & r.S_LOCKUP
    assert bench.peek(r.DWT_PCSR) == 0xFFFFFFFF
    bench.poke(r.DHCSR, HALT)
    status = bench.peek(r.DHCSR)
    assert status & r.S_HALT
    assert not status & r.S_LOCKUP
    assert bench.read_register(15) == 0xFFFFFFFE


def test_a_blank_flash_caught_at_reset_shows_the_erased_vectors(bench: CoreBench) -> None:
    bench.start_halted()
    assert bench.core.halted
    assert bench.read_register(13) == 0xFFFFFFFC
    assert bench.read_register(15) == 0xFFFFFFFE


def test_a_torn_vector_table_locks_up(bench: CoreBench) -> None:
    bench.program(COUNT)
    bench.array.tear(FLASH)
    bench.start()
    bench.run_us(10)
    assert bench.core.lockup


def test_hardware_breakpoints_stop_before_the_instruction(bench: CoreBench) -> None:
    bench.program(thumb(NOP, NOP, 0x2007, 0xE7FE))
    bench.start_halted()
    bench.poke(r.FP_CTRL, 3)
    bench.poke(r.FP_COMP0, FLASH + 0x204 | 1)
    bench.poke(r.DHCSR, RUN)
    bench.run_us(10)
    assert bench.core.halted
    assert bench.read_register(15) == FLASH + 0x204
    assert bench.read_register(0) == 0
    bench.poke(r.FP_COMP0, 0)
    bench.poke(r.DHCSR, RUN)
    bench.run_us(10)
    assert not bench.core.halted
    assert (bench.peek(r.FP_CTRL) >> 4) & 0xF == 8


def test_the_cycle_counter_counts_at_the_core_clock_and_only_while_it_runs(bench: CoreBench) -> None:
    bench.program(COUNT)
    bench.start()
    bench.poke(r.DHCSR, RUN)
    bench.poke(r.DEMCR, r.TRCENA)
    bench.poke(r.DWT_CTRL, 1)
    bench.poke(r.DWT_CYCCNT, 0)
    for _ in range(100):
        bench.run_us(10)
    assert bench.peek(r.DWT_CYCCNT) == pytest.approx(64_000, abs=2)
    bench.poke(r.DHCSR, HALT)
    stopped = bench.peek(r.DWT_CYCCNT)
    bench.run_us(1000)
    assert bench.peek(r.DWT_CYCCNT) == stopped


def test_a_branch_to_itself_costs_time_but_no_work(bench: CoreBench) -> None:
    bench.program(thumb(0xE7FE))
    bench.start()
    bench.poke(r.DHCSR, RUN)
    bench.poke(r.DEMCR, r.TRCENA)
    bench.poke(r.DWT_CTRL, 1)
    bench.run_us(60_000_000)
    assert bench.peek(r.DWT_CYCCNT) == pytest.approx(60 * 64_000_000, rel=1e-6)
    assert bench.peek(r.DWT_PCSR) == FLASH + 0x200


def test_a_fault_handlers_loop_costs_no_work_while_an_interrupt_waits_behind_it(bench: CoreBench) -> None:
    # SysTick is started, then an undefined instruction; its handler is a branch to itself.
    code = thumb(0x4803, 0x21FF, 0x0309, 0x6041, 0x2107, 0x6001, 0xDE00, 0xE7FE) + literal(0xE000E010)
    loop = FLASH + 0x200 + 14
    bench.program(code, {3: 14})
    bench.start()
    bench.poke(r.DHCSR, RUN)
    bench.poke(r.DEMCR, r.TRCENA)
    bench.run_us(60_000_000)
    assert bench.peek(r.DWT_PCSR) == loop
    assert bench.peek(r.ICSR) & r.ICSR_PENDSTSET, "SysTick waits"


def test_standing_still_with_interrupts_off_and_systick_pending_costs_no_runs(
    bench: CoreBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SysTick every 32 us is started, then `cpsid i; b .` for 240 ms."""
    runs: list[int] = []
    run = Engine.run

    def counted(engine: Engine, instructions: int) -> Stop:
        runs.append(instructions)
        return run(engine, instructions)

    monkeypatch.setattr(Engine, "run", counted)
    bench.program(thumb(0x4803, 0x21FF, 0x00C9, 0x6041, 0x2107, 0x6001, 0xB672, 0xE7FE) + literal(0xE000E010))
    bench.start()
    bench.run_us(240_000)
    assert bench.peek(r.ICSR) & r.ICSR_PENDSTSET
    assert bench.core.pc == FLASH + 0x200 + 14
    assert len(runs) < 30


def test_a_reset_takes_away_what_a_debugger_has_masked(bench: CoreBench) -> None:
    bench.program(COUNT)
    bench.start_halted()
    bench.write_register(20, 0x02FF4001)  # CONTROL, FAULTMASK, BASEPRI, PRIMASK
    assert bench.read_register(20) & 1
    bench.start()
    assert bench.core.halted
    assert bench.read_register(20) == 0


def test_debug_enable_and_vector_catch_survive_a_system_reset_but_not_power_off(bench: CoreBench) -> None:
    bench.program(COUNT)
    bench.start_halted()
    bench.start()
    assert bench.core.halted, "caught again"
    assert bench.peek(r.DHCSR) & r.S_RESET_ST
    assert not bench.peek(r.DHCSR) & r.S_RESET_ST
    bench.core.power_off()
    bench.start()
    bench.run_us(10)
    assert not bench.core.halted
    assert not bench.peek(r.DHCSR) & r.C_DEBUGEN
    assert bench.peek(r.DEMCR) == 0


def test_a_request_for_system_reset_reaches_the_chip(bench: CoreBench) -> None:
    requests: list[bool] = []
    bench.core.on_reset_request = lambda: requests.append(bench.core.executing)
    bench.program(COUNT)
    bench.start()
    bench.poke(r.AIRCR, 0x12340004)
    assert not requests, "without the key nothing happens"
    bench.poke(r.AIRCR, 0x05FA0004)
    assert requests == [False]
    code = thumb(0x4901, 0x4A02, 0x600A, 0xE7FE) + literal(r.AIRCR, 0x05FA0004)
    bench.start_in_ram(code)
    bench.poke(r.DHCSR, RUN)
    bench.run_us(10)
    assert requests == [False, True]


def test_a_debugger_finds_the_identification_it_looks_for(bench: CoreBench) -> None:
    bench.start()
    assert bench.peek(r.CPUID) >> 4 & 0xFFF == 0xC27
    assert bench.peek(0xE000EF40) == 0x10110221
    assert bench.peek(r.CCSIDR) == 0xF01FE019
    table = [bench.peek(0xE00FEFE0 + 4 * n) & 0xFF for n in range(3)]
    assert table == [0x83, 0x04, 0x0A]
    assert bench.peek(0xE00FE000) & 1
