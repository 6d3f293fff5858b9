"""Firmware for a board with another core supply."""

from bmsrescue.twin.board.unit import Unit

from .scenario import Scenario
from .unit_programs import SMPS, replace_first_sector


def _break(unit: Unit) -> None:
    replace_first_sector(unit, SMPS)


SCENARIO = Scenario(
    name="wrong-supply",
    summary="the firmware selects a core supply the board does not have: VCAP collapses",
    story="A configuration tool's default was left in: step-down converter, on a board without its inductor.",
    breaks=_break,
    expected_diagnosis="wrong-supply",
    expected_outcome="RECOVERED",
)
