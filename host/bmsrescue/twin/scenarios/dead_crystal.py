"""The crystal does not start, and the firmware waits for it for ever."""

from bmsrescue.twin.board.unit import Unit
from bmsrescue.twin.chip.config import ChipConfig

from .image_fronts import WAITS_FOR_CRYSTAL, load_changed
from .scenario import Scenario


def _break(unit: Unit) -> None:
    load_changed(unit, WAITS_FOR_CRYSTAL)


SCENARIO = Scenario(
    name="dead-crystal",
    summary="the crystal does not start, and the firmware waits for it for ever",
    story="The crystal cracked when the pack was dropped.",
    breaks=_break,
    expected_diagnosis="no-crystal",
    expected_outcome="NOT_FIRMWARE",
    config=ChipConfig(crystal_start_ms=None),
    card_image=WAITS_FOR_CRYSTAL,
)
