"""The story this project began with: 12 V and display on, all values 0, LEDs off, button dead."""

from bmsrescue.twin.board.unit import Unit

from .flash_damage import load_application
from .scenario import Scenario


def _break(unit: Unit) -> None:
    load_application(unit, "1.1.0")
    unit.chip.flash.blank(0)


SCENARIO = Scenario(
    name="half-on",
    summary="update from 1.1.0 to 1.2.0 cut after the first sector's erase: half-on",
    story=(
        "The update from 1.1.0 to 1.2.0 erased the first sector and then the cable came loose. Without a vector table "
        "the core locks up, nobody lets the power latch fall, and the unit sits there with its display lit and all "
        "values 0."
    ),
    breaks=_break,
    expected_diagnosis="update-cut",
    expected_outcome="RECOVERED",
)
