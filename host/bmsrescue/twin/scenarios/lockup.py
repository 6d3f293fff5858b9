"""Firmware that faults in its fault handler."""

from bmsrescue.twin.board.unit import Unit

from .scenario import Scenario
from .unit_programs import UNDEFINED, replace_first_sector


def _break(unit: Unit) -> None:
    replace_first_sector(unit, UNDEFINED)


SCENARIO = Scenario(
    name="lockup",
    summary="the application executes an undefined instruction and locks up",
    story="A flash tool wrote the start of another project over the application.",
    breaks=_break,
    expected_diagnosis="crashed",
    expected_outcome="RECOVERED",
)
