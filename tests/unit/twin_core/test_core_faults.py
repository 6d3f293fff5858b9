"""Exceptions: fault registers, escalation, lockup, vector catch, system calls, timers, sleep."""

from __future__ import annotations

from random import Random

import pytest
from core_bench import DEVICE, DTCM, FLASH, HALT, RUN, STACK, CoreBench, literal, thumb

from bmsrescue.twin.chip.core import regs as r

CODE = FLASH + 0x200
STAY = 0xE7FE
NOP = 0xBF00
RETURN = 0x4770
ICSR_PENDSV = literal(r.ICSR, r.ICSR_PENDSVSET)

LOAD_LITERAL = thumb(0x4801, 0x6801, STAY, NOP)  # ldr r0, =literal; ldr r1, [r0]; b .


@pytest.fixture
def bench() -> CoreBench:
    return CoreBench()


def word(bench: CoreBench, address: int) -> int:
    return bench.bus.read(address, 4)


def test_reading_a_torn_word_is_a_precise_bus_fault(bench: CoreBench) -> None:
    torn = FLASH + 0x20040
    bench.program(LOAD_LITERAL + literal(torn + 4) + thumb(STAY), {5: 0x0C})
    bench.array.tear(torn)
    bench.start_halted()
    bench.poke(r.SHCSR, r.SHCSR_BUSFAULTENA)
    bench.poke(r.DHCSR, RUN)
    bench.run_us(10)
    assert bench.peek(r.CFSR) == r.CFSR_PRECISERR | r.CFSR_BFARVALID
    assert bench.peek(r.BFAR) == torn + 4
    assert bench.peek(r.HFSR) == 0
    bench.poke(r.DHCSR, HALT)
    assert bench.read_register(15) == CODE + 0x0C
    assert bench.read_register(16) & 0x1FF == r.EXC_BUSFAULT
    assert bench.read_register(14) == 0xFFFFFFF9
    assert bench.read_register(13) == STACK - 32
    assert word(bench, STACK - 32 + 24) == CODE + 2, "the stacked address is that of the load"
    assert bench.read_register(1) == 0, "the load has not happened"


def test_without_its_own_handler_a_bus_fault_becomes_a_hard_fault(bench: CoreBench) -> None:
    bench.program(LOAD_LITERAL + literal(0x60000000) + thumb(STAY), {3: 0x0C})
    bench.start()
    bench.run_us(10)
    assert bench.peek(r.HFSR) == r.HFSR_FORCED
    assert bench.peek(r.CFSR) == r.CFSR_PRECISERR | r.CFSR_BFARVALID
    assert bench.peek(r.BFAR) == 0x60000000
    assert not bench.core.lockup
    bench.poke(r.CFSR, 0xFFFFFFFF)
    assert bench.peek(r.CFSR) == 0


def test_a_fault_without_any_handler_locks_up(bench: CoreBench) -> None:
    bench.program(LOAD_LITERAL + literal(0x60000000))
    bench.start()
    bench.run_us(10)
    assert bench.core.lockup
    bench.poke(r.DHCSR, HALT)
    assert bench.read_register(15) == 0xFFFFFFFE


def test_a_device_that_answers_with_an_error_faults_at_its_address(bench: CoreBench) -> None:
    bench.program(LOAD_LITERAL + literal(DEVICE + 0x10) + thumb(STAY), {3: 0x0C})
    bench.start()
    bench.run_us(10)
    assert bench.peek(r.BFAR) == DEVICE + 0x10


def test_a_torn_word_in_the_code_faults_when_it_is_fetched(bench: CoreBench) -> None:
    bench.program(thumb(*[NOP] * 32, STAY), {3: 0x40})
    bench.array.tear(CODE + 0x20)
    bench.start()
    bench.run_us(10)
    assert bench.peek(r.CFSR) == r.CFSR_IBUSERR
    assert word(bench, STACK - 32 + 24) == CODE + 0x20


def test_an_undefined_instruction_and_a_lost_thumb_bit_are_usage_faults(bench: CoreBench) -> None:
    bench.program(thumb(0xDE00, STAY), {3: 2})
    bench.start()
    bench.run_us(10)
    assert bench.peek(r.CFSR) == r.CFSR_UNDEFINSTR
    bench.program(thumb(0x4700, STAY), {3: 2})  # bx r0
    bench.start_halted()
    bench.write_register(0, DTCM + 0x100)
    bench.poke(r.DHCSR, RUN)
    bench.run_us(10)
    assert bench.peek(r.CFSR) == r.CFSR_INVSTATE


def test_device_space_cannot_be_executed(bench: CoreBench) -> None:
    bench.program(thumb(0x4700, STAY), {3: 2})
    bench.start_halted()
    bench.write_register(0, DEVICE | 1)
    bench.poke(r.DHCSR, RUN)
    bench.run_us(10)
    assert bench.peek(r.CFSR) == r.CFSR_IACCVIOL


def test_hard_faults_can_be_caught_before_their_handler_runs(bench: CoreBench) -> None:
    bench.program(LOAD_LITERAL + literal(0x60000000) + thumb(0x2001, STAY), {3: 0x0C})
    bench.start_halted()
    bench.poke(r.DFSR, 0x1F)
    bench.poke(r.DEMCR, r.VC_HARDERR)
    bench.poke(r.DHCSR, RUN)
    bench.run_us(10)
    assert bench.core.halted
    assert bench.peek(r.DFSR) == r.DFSR_VCATCH
    assert bench.read_register(15) == CODE + 0x0C


def test_a_breakpoint_without_a_debugger_is_a_hard_fault(bench: CoreBench) -> None:
    bench.program(thumb(0xBE00, STAY), {3: 2})
    bench.start()
    bench.run_us(10)
    assert bench.peek(r.HFSR) == r.HFSR_DEBUGEVT


def test_a_supervisor_call_runs_its_handler_and_returns(bench: CoreBench) -> None:
    code = thumb(0xDF01, 0x2102, STAY, NOP, 0x2409, RETURN)  # svc #1; movs r1, #2; b . / movs r4, #9; bx lr
    bench.program(code, {r.EXC_SVCALL: 8})
    bench.start()
    bench.run_us(10)
    bench.poke(r.DHCSR, HALT)
    assert (bench.read_register(4), bench.read_register(1)) == (9, 2)
    assert bench.read_register(13) == STACK
    assert bench.read_register(16) & 0x1FF == 0


def test_an_exception_made_pending_by_software_comes_right_after_that_instruction(bench: CoreBench) -> None:
    # ldr r0, =ICSR; ldr r1, =PENDSVSET; str r1, [r0]; movs r2, #7; b . / adds r4, r2, #1; bx lr
    code = thumb(0x4802, 0x4903, 0x6001, 0x2207, STAY, NOP) + ICSR_PENDSV + thumb(0x1C54, RETURN)
    bench.program(code, {r.EXC_PENDSV: 0x14})
    bench.start()
    bench.run_us(10)
    bench.poke(r.DHCSR, HALT)
    assert bench.read_register(4) == 1
    assert bench.read_register(2) == 7


def test_the_tick_timer_interrupts_at_its_rate(bench: CoreBench) -> None:
    bench.program(thumb(STAY, NOP, 0x3401, RETURN), {r.EXC_SYSTICK: 4})  # adds r4, #1; bx lr
    bench.start_halted()
    bench.poke(r.SYST_RVR, 6399)
    bench.poke(r.SYST_CSR, 7)
    bench.poke(r.DHCSR, RUN)
    bench.run_us(1050)
    bench.poke(r.DHCSR, HALT)
    assert bench.read_register(4) == 10


def test_masked_interrupts_wait(bench: CoreBench) -> None:
    # cpsid i; str r1, [r0] (PENDSVSET); movs r2, #7; cpsie i; b . / mov r4, r2; bx lr
    bench.program(thumb(0xB672, 0x6001, 0x2207, 0xB662, STAY, NOP, 0x4614, RETURN), {r.EXC_PENDSV: 0x0C})
    bench.start_halted()
    bench.write_register(0, r.ICSR)
    bench.write_register(1, r.ICSR_PENDSVSET)
    bench.poke(r.DHCSR, RUN)
    bench.run_us(10)
    bench.poke(r.DHCSR, HALT)
    assert bench.read_register(4) == 7


def test_wait_for_interrupt_sleeps_until_one_comes(bench: CoreBench) -> None:
    slept: list[bool] = []
    bench.core.on_sleep = slept.append
    bench.program(thumb(0xBF30, 0x3301, 0xE7FC, NOP, 0x3401, RETURN), {r.EXC_SYSTICK: 8})  # wfi; adds r3, #1; b wfi
    bench.start_halted()
    bench.poke(r.DHCSR, RUN)
    bench.run_us(100)
    assert bench.core.sleeping
    assert bench.peek(r.DHCSR) & r.S_SLEEP
    assert bench.peek(r.DWT_PCSR) == 0xFFFFFFFF
    assert slept == [False]
    bench.poke(r.SYST_RVR, 6399)
    bench.poke(r.SYST_CSR, 7)
    bench.run_us(1050)
    bench.poke(r.DHCSR, HALT)
    assert bench.read_register(4) == 10
    assert bench.read_register(3) == 10


def test_a_sleeping_core_can_be_halted(bench: CoreBench) -> None:
    bench.program(thumb(0xBF20, 0xE7FD))  # wfe
    bench.start()
    bench.run_us(10)
    assert bench.core.sleeping
    bench.poke(r.DHCSR, HALT)
    assert bench.core.halted


@pytest.mark.parametrize("seed", range(4))
def test_whatever_is_executed_the_twin_survives_it_and_time_goes_on(seed: int) -> None:
    rng = Random(seed)
    bench = CoreBench()
    bench.program(thumb(STAY), {3: 0, 4: 0, 5: 0, 6: 0})
    for _ in range(25):
        bench.start_in_ram(rng.randbytes(0x1000))
        bench.poke(r.SHCSR, rng.choice((0, r.SHCSR_BUSFAULTENA | r.SHCSR_USGFAULTENA)))
        for number in range(13):
            bench.write_register(number, rng.choice((rng.getrandbits(32), DTCM + rng.getrandbits(16), DEVICE, r.CPUID)))
        bench.poke(r.DHCSR, RUN)
        before_ns = bench.clock.now_ns
        bench.run_us(500)
        assert bench.clock.now_ns == before_ns + 500_000
        bench.poke(r.DHCSR, HALT)
        assert bench.core.halted
