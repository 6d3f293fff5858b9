"""A helper whose ADC reads 19 steps at 0 V, and a unit that is in order."""

from bmsrescue.twin.board.faults import HelperTraits
from bmsrescue.twin.board.unit import Unit

from .scenario import Scenario


def _break(unit: Unit) -> None:
    unit.break_board(helper=HelperTraits(adc_zero_lsb=19.0))


SCENARIO = Scenario(
    name="adc-zero",
    summary="the helper reads 19 steps at 0 V; the unit is in order",
    story="An RP2040 as they come, on a unit that somebody sent in to be safe.",
    breaks=_break,
    expected_diagnosis="healthy",
    expected_outcome="NO_FAULT_FOUND",
)
