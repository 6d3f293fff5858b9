"""The supply is connected the wrong way round."""

from bmsrescue.twin.board.unit import Unit

from .scenario import Scenario


def _break(unit: Unit) -> None:
    unit.break_board(supply_reversed=True)


SCENARIO = Scenario(
    name="reverse",
    summary="B+ and B- are exchanged",
    story="Somebody clipped the bench leads on the wrong way round; the input TVS conducts.",
    breaks=_break,
    expected_diagnosis="short-input",
    expected_outcome="UNSAFE",
)
