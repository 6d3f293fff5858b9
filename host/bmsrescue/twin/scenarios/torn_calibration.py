"""A half-written word in the calibration, which no job owns."""

from bmsrescue.twin.board.unit import Unit
from bmsrescue.twin.firmware import CALIBRATION_ADDRESS

from .scenario import Scenario


def _break(unit: Unit) -> None:
    unit.chip.flash.tear(CALIBRATION_ADDRESS + 0x20)


SCENARIO = Scenario(
    name="torn-calibration",
    summary="a flash word of the calibration is half-written, the application is intact",
    story="The power went while a service tool changed the shunt's gain.",
    breaks=_break,
    expected_diagnosis="torn-data",
    expected_outcome="LOCKED",
)
