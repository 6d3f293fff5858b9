"""BOOT0 is bridged to 3.3 V; the firmware is in order."""

from bmsrescue.twin.board.unit import Unit

from .scenario import Scenario


def _break(unit: Unit) -> None:
    unit.break_board(boot0_strapped=True)


SCENARIO = Scenario(
    name="boot0-strap",
    summary="BOOT0 is bridged to 3.3 V; the firmware is in order",
    story="Solder splashed between two pads when the connector was replaced.",
    breaks=_break,
    expected_diagnosis="boot0-high",
    expected_outcome="NOT_FIRMWARE",
)
