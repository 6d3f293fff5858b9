"""The chip is reset again and again."""

from bmsrescue.twin.board.unit import Unit

from .scenario import Scenario


def _break(unit: Unit) -> None:
    unit.break_board(nrst_pulse_period_ms=100.0)


SCENARIO = Scenario(
    name="reset-loop",
    summary="a supervisor fires ten times a second",
    story="The supervisor's threshold capacitor is leaky, so it fires again and again.",
    breaks=_break,
    expected_diagnosis="reset-loop",
    expected_outcome="NOT_FIRMWARE",
)
