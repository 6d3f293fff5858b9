"""Last year's firmware of a product that the job knows."""

from bmsrescue.twin.board.unit import Unit

from .flash_damage import load_application
from .scenario import Scenario
from .sister_product import MARKER


def _break(unit: Unit) -> None:
    load_application(unit, "1.1.0")


SCENARIO = Scenario(
    name="older-build",
    summary="the unit runs 1.1.0, the card brings 1.2.0 and knows the product by its marker",
    story="The workshop brings every unit of this product to the same version.",
    breaks=_break,
    expected_diagnosis="differs",
    expected_outcome="RECOVERED",
    marker=MARKER,
)
