"""The 3.3 V regulator gives too little."""

from bmsrescue.twin.board.unit import Unit

from .scenario import Scenario


def _break(unit: Unit) -> None:
    unit.break_board(regulator_mv={"v3v3": 2900})


SCENARIO = Scenario(
    name="low-3v3",
    summary="the 3.3 V regulator gives only 2.9 V",
    story="The 3.3 V regulator's feedback divider has a wrong resistor after a repair.",
    breaks=_break,
    expected_diagnosis="low-3v3",
    expected_outcome="UNSAFE",
)
