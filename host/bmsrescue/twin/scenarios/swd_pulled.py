"""Pull-ups and pull-downs on the SWD lines, and a helper whose weak pulls end between the levels."""

from bmsrescue.twin.board.faults import HelperTraits
from bmsrescue.twin.board.unit import Unit

from .scenario import Scenario


def _break(unit: Unit) -> None:
    unit.break_board(
        swdio_pull_up_ohm=100_000.0,
        swclk_pull_down_ohm=10_000.0,
        chip_pull_ohm=50_000.0,
        helper=HelperTraits(pull_ohm=50_000.0, input_threshold_v=0.9),
    )


SCENARIO = Scenario(
    name="swd-pulled",
    summary="resistors on SWDIO and SWCLK; the unit is in order",
    story="The board has 100 kohm on SWDIO, 10 kohm on SWCLK, and nothing is wrong with it.",
    breaks=_break,
    expected_diagnosis="healthy",
    expected_outcome="NO_FAULT_FOUND",
)
