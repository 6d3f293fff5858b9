"""Last year's firmware, which runs well."""

from bmsrescue.twin.board.unit import Unit

from .flash_damage import load_application
from .scenario import Scenario


def _break(unit: Unit) -> None:
    load_application(unit, "1.1.0")


SCENARIO = Scenario(
    name="older-firmware",
    summary="the unit runs 1.1.0 well, the card brings 1.2.0",
    story="The unit was sent in with a broken display cable; its firmware was never updated.",
    breaks=_break,
    expected_diagnosis="older-firmware",
    expected_outcome="LOCKED",
)
