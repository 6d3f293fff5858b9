"""An update was cut after the first erase, and the crystal does not start."""

from bmsrescue.twin.board.unit import Unit
from bmsrescue.twin.chip.config import ChipConfig

from .image_fronts import WAITS_FOR_CRYSTAL, load_changed
from .scenario import Scenario


def _break(unit: Unit) -> None:
    load_changed(unit, WAITS_FOR_CRYSTAL)
    unit.chip.flash.blank(0)


SCENARIO = Scenario(
    name="dead-crystal-half-on",
    summary="an update was cut after the first erase, and the crystal does not start",
    story="The unit was dropped, failed, and somebody tried an update.",
    breaks=_break,
    expected_diagnosis="no-crystal",
    expected_outcome="NOT_FIRMWARE",
    config=ChipConfig(crystal_start_ms=None),
    card_image=WAITS_FOR_CRYSTAL,
)
