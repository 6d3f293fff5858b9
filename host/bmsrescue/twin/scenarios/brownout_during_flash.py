"""3.3 V collapses for a moment while the flash is being written."""

from bmsrescue.twin.board.faults import Dip
from bmsrescue.twin.board.unit import Unit

from .flash_damage import load_application
from .scenario import Scenario


def _break(unit: Unit) -> None:
    load_application(unit, "1.1.0")
    unit.chip.flash.blank(0)
    unit.break_board(dip=Dip("v3v3", at_ms=1_300.0, for_ms=30.0, ohm=0.5, in_flash_work=True))


SCENARIO = Scenario(
    name="brownout-during-flash",
    summary="half-on, and 3.3 V dips for 30 ms while the flash is being written",
    story="A half-on unit with a cold joint in its 3.3 V path, which opens once under the flash's own current.",
    breaks=_break,
    expected_diagnosis="brown-out",
    expected_outcome="INTERRUPTED",
)
