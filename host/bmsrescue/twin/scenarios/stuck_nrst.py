"""Nobody can pull NRST low."""

from bmsrescue.twin.board.unit import Unit

from .scenario import Scenario


def _break(unit: Unit) -> None:
    unit.break_board(nrst_stuck_high=True)


SCENARIO = Scenario(
    name="stuck-nrst",
    summary="the reset wire is shorted to 3.3 V",
    story="A solder bridge joins NRST to 3.3 V.",
    breaks=_break,
    expected_diagnosis="stuck-nrst",
    expected_outcome="CHECK_WIRES",
)
