"""The power latch holds only while the button is pressed or the firmware drives it."""

from bmsrescue.twin.board.unit import Unit

from . import half_on
from .scenario import Scenario


def _break(unit: Unit) -> None:
    half_on.SCENARIO.breaks(unit)
    unit.break_board(latch_kind="held")


SCENARIO = Scenario(
    name="latch-by-button",
    summary="the latch holds only by button or firmware; the update was cut",
    story="A board on which the firmware holds its own power, and an update was cut.",
    breaks=_break,
    expected_diagnosis="update-cut",
    expected_outcome="RECOVERED",
)
