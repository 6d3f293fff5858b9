"""The supply comes up much too slowly."""

from bmsrescue.twin.board.unit import Unit

from .scenario import Scenario


def _break(unit: Unit) -> None:
    unit.break_board(supply_ramp_ms=8000.0)


SCENARIO = Scenario(
    name="slow-ramp",
    summary="B+ takes eight seconds to rise",
    story="The bench supply is in a soft-start mode that nobody asked for.",
    breaks=_break,
    expected_diagnosis="low-supply",
    expected_outcome="NOT_FIRMWARE",
)
