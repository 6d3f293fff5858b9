"""A sector that no longer takes what is written to it."""

from bmsrescue.twin.board.unit import Unit

from .flash_damage import last_image_sector, load_application
from .scenario import Scenario


def _break(unit: Unit) -> None:
    load_application(unit, "1.2.0")
    sector = last_image_sector(unit, "1.2.0")
    unit.chip.flash.blank(sector)
    unit.chip.flash.worn[sector] = "program"


SCENARIO = Scenario(
    name="worn-sector",
    summary="sector 2 is erased and cannot be programmed any more",
    story="The firmware kept a counter in sector 2 until the cells were worn out.",
    breaks=_break,
    expected_diagnosis="differs",
    expected_outcome="NOT_FIRMWARE",
)
