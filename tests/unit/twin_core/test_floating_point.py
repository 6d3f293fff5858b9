"""The floating-point context over an exception (DDI 0403E B1.5.6 to B1.5.8)."""

from __future__ import annotations

import pytest
from core_bench import RUN, STACK, CoreBench, literal, thumb

from bmsrescue.twin.chip.core import regs as r

CPACR = 0xE000ED88
ICSR = literal(r.ICSR)
# The program: s0 = 1.0, SysTick pending, then s0 to r6 and the stack pointer to r5. The handler: LR to r7, s0 = 2.0.
PROGRAM = thumb(0xEEB7, 0x0A00, 0x4804, 0x2101, 0x0689, 0x6001, 0xBF00, 0xEE10, 0x6A10, 0x466D, 0xBE00, 0xBF00) + ICSR
HANDLER = thumb(0x4677, 0xEEB0, 0x0A00, 0x4770)
WITHOUT_FP = thumb(0xBF00, 0xBF00) + PROGRAM[4:]


@pytest.fixture
def bench() -> CoreBench:
    return CoreBench()


def run(bench: CoreBench, program: bytes) -> None:
    bench.program(program.ljust(0x40, b"\0") + HANDLER, {r.EXC_SYSTICK: 0x40})
    bench.start_halted()
    bench.poke(CPACR, 0xF << 20)
    for number in range(12):
        bench.write_register(number, 0)
    bench.poke(r.DHCSR, RUN)
    bench.run_us(100)
    assert bench.core.halted


def test_an_exception_keeps_the_floating_point_registers_of_what_it_interrupts(bench: CoreBench) -> None:
    run(bench, PROGRAM)
    assert bench.read_register(7) == 0xFFFFFFE9, "the frame has a floating-point context"
    assert bench.read_register(6) == 0x3F800000, "1.0, though the handler has used s0"
    assert bench.read_register(5) == STACK


def test_without_a_floating_point_context_the_frame_is_a_basic_one(bench: CoreBench) -> None:
    run(bench, WITHOUT_FP)
    assert bench.read_register(7) == 0xFFFFFFF9
    assert bench.read_register(5) == STACK


def test_where_automatic_stacking_is_off_the_handlers_value_stays(bench: CoreBench) -> None:
    bench.poke(r.FPCCR, 0)
    bench.program(PROGRAM.ljust(0x40, b"\0") + HANDLER, {r.EXC_SYSTICK: 0x40})
    bench.start_halted()
    bench.poke(CPACR, 0xF << 20)
    bench.poke(r.FPCCR, 0)
    bench.poke(r.DHCSR, RUN)
    bench.run_us(100)
    assert bench.read_register(7) == 0xFFFFFFF9
    assert bench.read_register(6) == 0x40000000
