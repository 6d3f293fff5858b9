"""Firmware that takes the SWD pins for itself."""

from bmsrescue.twin.board.unit import Unit

from .scenario import Scenario
from .unit_programs import SWD_PINS, replace_first_sector


def _break(unit: Unit) -> None:
    replace_first_sector(unit, SWD_PINS)


SCENARIO = Scenario(
    name="swd-reused",
    summary="the firmware makes outputs of the SWD pins",
    story="Two pins were short, so the designer took those of the debug port.",
    breaks=_break,
    expected_diagnosis="silent-firmware",
    expected_outcome="RECOVERED",
)
