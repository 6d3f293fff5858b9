"""The option bytes start the watchdog, and the very image of the job never feeds it."""

from dataclasses import replace

from bmsrescue.twin.board.unit import Unit
from bmsrescue.twin.chip.flash.registers import IWDG1_SW

from .image_fronts import BRANCHES_TO_ITSELF, load_changed
from .scenario import Scenario


def _break(unit: Unit) -> None:
    load_changed(unit, BRANCHES_TO_ITSELF)
    factory = unit.chip.options.factory
    unit.chip.options.preset(replace(factory, optsr=factory.optsr & ~IWDG1_SW))


SCENARIO = Scenario(
    name="watchdog-unfed",
    summary="the option bytes start the watchdog, and the very image of the job never feeds it",
    story="The image was built without its watchdog task.",
    breaks=_break,
    expected_diagnosis="watchdog-unfed",
    expected_outcome="NOT_FIRMWARE",
    card_image=BRANCHES_TO_ITSELF,
    job={"options": {}},
)
