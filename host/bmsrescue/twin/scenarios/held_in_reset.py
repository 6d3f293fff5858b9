"""The chip is never let go."""

from bmsrescue.twin.board.unit import Unit

from .scenario import Scenario


def _break(unit: Unit) -> None:
    unit.break_board(nrst_held=True)


SCENARIO = Scenario(
    name="held-in-reset",
    summary="something on the board holds NRST low",
    story="The AFE's reset output is stuck low.",
    breaks=_break,
    expected_diagnosis="held-in-reset",
    expected_outcome="NOT_FIRMWARE",
)
