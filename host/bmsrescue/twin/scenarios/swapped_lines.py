"""The two SWD wires are exchanged."""

from bmsrescue.twin.board.unit import Unit

from .scenario import Scenario


def _break(unit: Unit) -> None:
    unit.break_board(swd_swapped=True)


SCENARIO = Scenario(
    name="swapped-lines",
    summary="SWDIO and SWCLK are exchanged",
    story="The SWD plug was crimped from memory.",
    breaks=_break,
    expected_diagnosis="swapped-swd",
    expected_outcome="CHECK_WIRES",
)
