"""The SWD data wire has no contact."""

from bmsrescue.twin.board.unit import Unit

from .scenario import Scenario


def _break(unit: Unit) -> None:
    unit.break_board(swdio_open=True)


SCENARIO = Scenario(
    name="open-swdio",
    summary="the SWDIO wire is broken",
    story="The SWDIO wire broke off inside its insulation.",
    breaks=_break,
    expected_diagnosis="open-swd",
    expected_outcome="CHECK_WIRES",
)
