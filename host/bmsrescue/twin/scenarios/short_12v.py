"""A hard short on 12 V."""

from bmsrescue.twin.board.unit import Unit

from .scenario import Scenario


def _break(unit: Unit) -> None:
    unit.break_board(shorts_ohm={"v12": 0.3})


SCENARIO = Scenario(
    name="short-12v",
    summary="12 V is shorted with a third of an ohm",
    story="The isolated converter has failed short at its input.",
    breaks=_break,
    expected_diagnosis="short-12v",
    expected_outcome="UNSAFE",
)
