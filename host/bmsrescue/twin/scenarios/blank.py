"""No application at all; the calibration block is there."""

from bmsrescue.twin.board.unit import Unit

from .flash_damage import APPLICATION_SECTORS
from .scenario import Scenario


def _break(unit: Unit) -> None:
    for sector in APPLICATION_SECTORS:
        unit.chip.flash.blank(sector)


SCENARIO = Scenario(
    name="blank",
    summary="the application is erased, calibration is there",
    story="The updater erased the whole application and then lost its connection before the first write.",
    breaks=_break,
    expected_diagnosis="blank",
    expected_outcome="RECOVERED",
)
