"""A hard short on 3.3 V."""

from bmsrescue.twin.board.unit import Unit

from .scenario import Scenario


def _break(unit: Unit) -> None:
    unit.break_board(shorts_ohm={"v3v3": 0.5})


SCENARIO = Scenario(
    name="short-3v3",
    summary="3.3 V is shorted with half an ohm: 12 V comes, 3.3 V does not",
    story="A decoupling capacitor next to the MCU has cracked and shorted.",
    breaks=_break,
    expected_diagnosis="short-3v3",
    expected_outcome="UNSAFE",
)
