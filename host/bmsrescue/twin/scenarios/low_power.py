"""Firmware that goes to sleep before anybody can talk to it."""

from bmsrescue.twin.board.unit import Unit

from .scenario import Scenario
from .unit_programs import STANDBY, replace_first_sector


def _break(unit: Unit) -> None:
    replace_first_sector(unit, STANDBY)


SCENARIO = Scenario(
    name="low-power",
    summary="the firmware enters Standby at once",
    story="The under-voltage shutdown triggers on its own default threshold.",
    breaks=_break,
    expected_diagnosis="silent-firmware",
    expected_outcome="RECOVERED",
)
