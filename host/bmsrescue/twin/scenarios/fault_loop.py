"""Firmware that ends in its fault handler."""

from bmsrescue.twin.board.unit import Unit

from .scenario import Scenario
from .unit_programs import BAD_READ, BAD_READ_HANDLER, replace_first_sector


def _break(unit: Unit) -> None:
    replace_first_sector(unit, BAD_READ, BAD_READ_HANDLER)


SCENARIO = Scenario(
    name="fault-loop",
    summary="the application reads where there is nothing and stays in its fault handler",
    story="Firmware for a board with external memory, on a board without.",
    breaks=_break,
    expected_diagnosis="crashed",
    expected_outcome="RECOVERED",
)
