"""A supervisor holds NRST for half a second after power and after each pull."""

from bmsrescue.twin.board.unit import Unit

from . import half_on
from .scenario import Scenario


def _break(unit: Unit) -> None:
    half_on.SCENARIO.breaks(unit)
    unit.break_board(nrst_supervisor_ms=560.0)


SCENARIO = Scenario(
    name="supervisor-500ms",
    summary="a reset supervisor holds NRST for 560 ms; the update was cut",
    story="The board has a reset supervisor, and somebody pulled the plug in an update.",
    breaks=_break,
    expected_diagnosis="update-cut",
    expected_outcome="RECOVERED",
)
