"""A half-written word in the calibration, which no job owns."""

from bmsrescue.twin.board.unit import Unit
from bmsrescue.twin.firmware.builds import firmware_of

from .scenario import Scenario


def _break(unit: Unit) -> None:
    build = firmware_of(unit.chip)
    if build is not None:
        unit.chip.flash.tear(build.calibration_address + 0x20)


SCENARIO = Scenario(
    name="torn-calibration",
    summary="a flash word of the calibration is half-written, the application is intact",
    story="The power went while a service tool changed the shunt's gain.",
    breaks=_break,
    expected_diagnosis="torn-data",
    expected_outcome="LOCKED",
)
