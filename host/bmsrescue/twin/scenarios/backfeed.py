"""Something else feeds the unit."""

from bmsrescue.twin.board.faults import Backfeed
from bmsrescue.twin.board.unit import Unit

from .scenario import Scenario


def _break(unit: Unit) -> None:
    unit.break_board(backfeeds={"v3v3": Backfeed(3300, 1000.0)})


SCENARIO = Scenario(
    name="backfeed",
    summary="3.3 V is fed by a forgotten serial adapter while the power is off",
    story="A serial adapter is still plugged in and feeds the unit through a pin's clamp diode.",
    breaks=_break,
    expected_diagnosis="backfeed",
    expected_outcome="UNSAFE",
)
