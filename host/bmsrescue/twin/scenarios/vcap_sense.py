"""The helper's divider on VCAP is off by half; the firmware runs."""

from bmsrescue.twin.board.unit import Unit

from .scenario import Scenario


def _break(unit: Unit) -> None:
    unit.break_board(sense_ratio={"vcap": 0.5})


SCENARIO = Scenario(
    name="vcap-sense",
    summary="the helper's divider on VCAP is off by half; the firmware runs",
    story="A resistor of the wrong value in the cable.",
    breaks=_break,
    expected_diagnosis="vcap-out",
    expected_outcome="CHECK_WIRES",
)
