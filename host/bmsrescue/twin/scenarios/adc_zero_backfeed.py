"""A helper whose ADC reads 15 steps at 0 V, and half a volt fed into 3.3 V."""

from bmsrescue.twin.board.faults import Backfeed, HelperTraits
from bmsrescue.twin.board.unit import Unit

from .scenario import Scenario


def _break(unit: Unit) -> None:
    unit.break_board(helper=HelperTraits(adc_zero_lsb=15.0), backfeeds={"v3v3": Backfeed(520, 10.0)})


SCENARIO = Scenario(
    name="adc-zero-backfeed",
    summary="the helper reads 15 steps at 0 V; something feeds 0.5 V into 3.3 V",
    story="An RP2040 as they come, and a serial adapter that was left plugged in.",
    breaks=_break,
    expected_diagnosis="backfeed",
    expected_outcome="UNSAFE",
)
