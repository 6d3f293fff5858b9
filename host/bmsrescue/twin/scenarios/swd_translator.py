"""A level translator in the SWD lines, and firmware that closes SWD."""

from bmsrescue.twin.board.unit import Unit

from . import swd_reused
from .scenario import Scenario


def _break(unit: Unit) -> None:
    swd_reused.SCENARIO.breaks(unit)
    unit.break_board(swd_translator=True)


SCENARIO = Scenario(
    name="swd-translator",
    summary="a translator on the SWD lines; SWD answers only under reset",
    story="The board has a translator to its debug plug, and its firmware uses the SWD pins.",
    breaks=_break,
    expected_diagnosis="silent-firmware",
    expected_outcome="RECOVERED",
)
