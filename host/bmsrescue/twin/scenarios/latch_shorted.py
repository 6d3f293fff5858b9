"""The power switch cannot switch off."""

from bmsrescue.twin.board.unit import Unit

from .scenario import Scenario


def _break(unit: Unit) -> None:
    unit.break_board(latch_shorted=True)


SCENARIO = Scenario(
    name="latch-shorted",
    summary="12 V stays on with the latch driven off: shorted MOSFET",
    story="The high-side MOSFET died in a surge; the unit cannot be turned off any more.",
    breaks=_break,
    expected_diagnosis="latch-shorted",
    expected_outcome="NOT_FIRMWARE",
)
