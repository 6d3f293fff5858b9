"""The same over firmware 1.1.0 that runs, with a job that may put it back."""

from bmsrescue.twin.board.unit import Unit

from .flash_damage import load_application
from .image_fronts import FAULTS
from .scenario import Scenario


def _break(unit: Unit) -> None:
    load_application(unit, "1.1.0")


SCENARIO = Scenario(
    name="fault-image-put-back",
    summary="the same over firmware 1.1.0 that runs, with a job that may put it back",
    story="The card was meant as an update.",
    breaks=_break,
    expected_diagnosis="lockup",
    expected_outcome="NOT_FIRMWARE",
    card_image=FAULTS,
    consent=("older-firmware", "put-back"),
)
