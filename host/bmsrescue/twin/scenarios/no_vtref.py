"""The helper cannot see 3.3 V."""

from bmsrescue.twin.board.unit import Unit

from .scenario import Scenario


def _break(unit: Unit) -> None:
    unit.break_board(sense_open=frozenset({"v3v3"}))


SCENARIO = Scenario(
    name="no-vtref",
    summary="the sense wire of 3.3 V has no contact",
    story="The VTref wire has slipped out of its plug.",
    breaks=_break,
    expected_diagnosis="no-vtref",
    expected_outcome="CHECK_WIRES",
)
