"""What is skipped of a core that goes round and changes nothing: everything is as if each instruction were executed."""

from __future__ import annotations

import pytest
from core_bench import DTCM, HALT, RUN, STEP, CoreBench, thumb
from hypothesis import given, settings
from hypothesis import strategies as st

from bmsrescue.twin.chip.core import regs as r
from bmsrescue.twin.chip.core.engine import Engine
from bmsrescue.twin.chip.core.pure_loop import PureLoop

LOOKED_AT, COUNTED, BESIDE = DTCM + 0x1000, DTCM + 0x1010, DTCM + 0x1020
CODE_AT = 0x200
# r2: LOOKED_AT, r4: COUNTED; the loop ends where LOOKED_AT does not read 0.
BODIES = {
    "nothing": (0xBF00,) * 9,
    "reads": (0x6823, 0xBF00),  # ldr r3, [r4]
    "writes what is there": (0x6823, 0x6023),  # ldr r3, [r4]; str r3, [r4]
    "counts in a register": (0x3501,),  # adds r5, #1
    "counts in memory": (0x6823, 0x3301, 0x6023),  # ldr r3, [r4]; adds r3, #1; str r3, [r4]
    "turns a register": (0x43ED, 0xBF00),  # mvns r5, r5: as before after two turns, and executed
    "inner loop": (0x2303, 0x3B01, 0xD1FD),  # movs r3, #3; 1: subs r3, #1; bne 1b
}
HANDLERS = {"returns": (0x4770,), "counts": (0x3701, 0x4770)}  # bx lr; adds r7, #1


def program(body: str) -> bytes:
    loop = (*BODIES[body], 0x6811, 0x2900)  # ldr r1, [r2]; cmp r1, #0
    back = 0xD000 | (-(len(loop) + 2) & 0xFF)
    return thumb(*loop, back, 0xBE00)  # beq; bkpt


def seen(bench: CoreBench) -> tuple[object, ...]:
    core = bench.core
    return (core.pc, core._engine.registers(), core.cycles, core.halted, bytes(bench.ram.data[0x1000:0x1040]))


def act(bench: CoreBench, what: str, number: int) -> None:
    if what == "time":
        bench.run_us(number)
    elif what == "long":
        bench.run_us(number * 100)
    elif what == "sample":
        assert bench.core.running_pc is not None or bench.core.halted
    elif what == "beside":
        bench.core.run_to(bench.clock.now_ns)
        bench.core.touched(BESIDE)
        bench.poke(BESIDE, number)
    elif what == "counted":
        bench.core.run_to(bench.clock.now_ns)
        bench.core.touched(COUNTED)
        bench.poke(COUNTED, number)
    elif what == "halt":
        bench.poke(r.DHCSR, HALT)
        bench.run_us(number % 50)
        bench.poke(r.DHCSR, STEP)
        bench.poke(r.DHCSR, RUN)
    elif what == "end":
        bench.core.run_to(bench.clock.now_ns)
        bench.core.touched(LOOKED_AT)
        bench.poke(LOOKED_AT, 1)


def course(body: str, handler: str, tick: int, acts: list[tuple[str, int]]) -> list[tuple[object, ...]]:
    """All that can be seen of the core after each act."""
    bench = CoreBench()
    bench.program(thumb(*HANDLERS[handler]), {15: 0})
    bench.start_in_ram(program(body), DTCM + CODE_AT)
    for number, value in ((2, LOOKED_AT), (4, COUNTED), (5, 0), (7, 0)):
        bench.write_register(number, value)
    if tick:
        bench.poke(r.SYST_RVR, tick)
        bench.poke(r.SYST_CVR, 0)
        bench.poke(r.SYST_CSR, 7)
    bench.poke(r.DHCSR, RUN)
    after = []
    for what, number in acts:
        act(bench, what, number)
        after.append(seen(bench))
    return after


ACTS = st.sampled_from(["time", "long", "long", "long", "sample", "beside", "counted", "halt", "end"])


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.sampled_from(sorted(BODIES)),
    st.sampled_from(sorted(HANDLERS)),
    st.sampled_from([0, 0, 700_000, 3_000_000]),
    st.lists(st.tuples(ACTS, st.integers(1, 400)), min_size=3, max_size=10),
)
def test_a_core_that_goes_round_is_where_it_would_be(
    body: str, handler: str, tick: int, acts: list[tuple[str, int]]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PureLoop, "wants_look", False)
        executed = course(body, handler, tick, acts)
    assert course(body, handler, tick, acts) == executed


@pytest.mark.parametrize("body", ["nothing", "reads", "writes what is there"])
def test_a_second_of_it_takes_few_runs_of_the_engine(body: str, monkeypatch: pytest.MonkeyPatch) -> None:
    runs: list[int] = []
    run = Engine.run
    monkeypatch.setattr(Engine, "run", lambda self, budget: (runs.append(budget), run(self, budget))[1])
    course(body, "returns", 0, [("long", 10_000)])
    assert len(runs) < 40


def test_one_that_counts_is_executed(monkeypatch: pytest.MonkeyPatch) -> None:
    runs: list[int] = []
    run = Engine.run
    monkeypatch.setattr(Engine, "run", lambda self, budget: (runs.append(budget), run(self, budget))[1])
    course("counts in a register", "returns", 0, [("long", 1000)])
    assert sum(runs) > 6_000_000
