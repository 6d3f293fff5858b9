"""A healthy MCU behind a dead display."""

from bmsrescue.twin.board.unit import Unit

from .scenario import Scenario


def _break(unit: Unit) -> None:
    unit.break_board(display_dead=True)


SCENARIO = Scenario(
    name="display-only",
    summary="the display is dead, everything else is fine",
    story="The display's ribbon has been crushed by the lid.",
    breaks=_break,
    expected_diagnosis="healthy",
    expected_outcome="NO_FAULT_FOUND",
)
