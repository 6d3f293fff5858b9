"""The card's image crashes into its fault handler at once; the unit's update was cut."""

from bmsrescue.twin.board.unit import Unit

from .image_fronts import FAULTS
from .scenario import Scenario


def _break(unit: Unit) -> None:
    unit.chip.flash.blank(0)


SCENARIO = Scenario(
    name="fault-image",
    summary="the card's image crashes into its fault handler at once; the unit's update was cut",
    story="A debug build for another board revision found its way onto the card.",
    breaks=_break,
    expected_diagnosis="lockup",
    expected_outcome="NOT_FIRMWARE",
    card_image=FAULTS,
)
