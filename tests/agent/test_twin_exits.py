"""However the helper's program ends, and whenever: the unit's power is off and every line let go."""

from __future__ import annotations

import random

import pytest

from bmsrescue.twin.helper.block_device import CardFaults
from bmsrescue.twin.helper.micropython import twin_opcodes as op
from io_cuts import ANY_CALL, EXITS, MOST_MS, UNSAFE, Ends, bench_of, happen, judge_end
from sweep_cures import CURES

CURE = "preserve"
CALLS = 4000  # of a run that nothing happens to, about
KILLED = "kill of the interpreter"
SEED = 3


def moments(exit_: str) -> list[int]:
    """Calls of the agent to its hardware: at start-up, while the power comes on, and anywhere."""
    chance = random.Random(f"{exit_} {SEED}")
    return [chance.randint(1, 12), chance.randint(13, 200), chance.randint(200, CALLS), chance.randint(200, CALLS)]


@pytest.mark.parametrize("exit_", [*EXITS, KILLED])
def test_at_whatever_call_the_program_ends_the_power_is_off_afterwards(exit_: str) -> None:
    for number in moments(exit_):
        faults = CardFaults()
        bench, taps = bench_of(CURE, CURES[CURE].card(), faults)
        taps.wanted = (ANY_CALL, number)
        powered: list[bool] = []

        def strike(*_call: object, bench=bench, taps=taps, faults=faults, powered=powered) -> None:  # type: ignore[no-untyped-def]
            powered.append(taps.lines.get(op.LINE_POWER, False))
            if exit_ == KILLED:
                bench.helper.stop()  # it says nothing any more; on a board the watchdog ends what it has left on
            else:
                happen(exit_, bench, taps, faults)

        taps.strike = strike
        result = bench.run()
        ends = Ends()
        judge_end(ends, bench, taps, result, by_itself=exit_ != KILLED)
        assert powered, f"call {number} did not come"
        assert ends.wrong == {}, f"{exit_} at call {number}"
        assert result.virtual_ms < MOST_MS
        assert not taps.unwatched


def test_a_helper_that_leaves_the_power_on_is_found_out() -> None:
    """The judge of the test above, on an end that is none."""
    bench, taps = bench_of(CURE, CURES[CURE].card(), CardFaults())
    result = bench.run()
    taps.lines = {op.LINE_BOOT0: True}
    ends = Ends()
    judge_end(ends, bench, taps, result)
    assert UNSAFE in ends.wrong
