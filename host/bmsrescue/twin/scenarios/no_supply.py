"""The bench supply gives nothing."""

from bmsrescue.twin.board.unit import Unit

from .scenario import Scenario


def _break(unit: Unit) -> None:
    unit.break_board(supply_absent=True)


SCENARIO = Scenario(
    name="no-supply",
    summary="the bench supply's output is open: B+ never comes",
    story="Somebody unplugged the supply lead, or its output is off, or the fuse in B+ has blown.",
    breaks=_break,
    expected_diagnosis="no-supply",
    expected_outcome="NOT_FIRMWARE",
)
