"""The card's image selects a core supply that this board does not have; the unit's update was cut."""

from bmsrescue.twin.board.unit import Unit

from .image_fronts import TAKES_OTHER_SUPPLY
from .scenario import Scenario


def _break(unit: Unit) -> None:
    unit.chip.flash.blank(0)


SCENARIO = Scenario(
    name="other-supply-image",
    summary="the card's image selects a core supply that this board does not have; the unit's update was cut",
    story="The image is of the next board revision, with a step-down converter.",
    breaks=_break,
    expected_diagnosis="supply-config",
    expected_outcome="NOT_FIRMWARE",
    card_image=TAKES_OTHER_SUPPLY,
)
