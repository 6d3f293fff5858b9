"""Firmware for another core supply, on a board where nobody gets at the chip while it is in reset."""

from bmsrescue.twin.board.unit import Unit

from .scenario import Scenario
from .wrong_supply import SCENARIO as WRONG_SUPPLY


def _break(unit: Unit) -> None:
    WRONG_SUPPLY.breaks(unit)
    unit.break_board(swd_off_in_reset=True)


SCENARIO = Scenario(
    name="wrong-supply-boot0",
    summary="the same, and SWD is dead while NRST is low: only BOOT0 and a power removal reach the chip",
    story="The debug connector is fed through a buffer that the reset line switches off.",
    breaks=_break,
    expected_diagnosis="wrong-supply",
    expected_outcome="RECOVERED",
)
