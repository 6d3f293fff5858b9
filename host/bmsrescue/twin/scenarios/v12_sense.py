"""The helper's wire to 12 V is off; the unit's firmware is half an update."""

from bmsrescue.twin.board.unit import Unit

from .interrupted_erase import SCENARIO as INTERRUPTED_ERASE
from .scenario import Scenario


def _break(unit: Unit) -> None:
    INTERRUPTED_ERASE.breaks(unit)
    unit.break_board(sense_open=frozenset({"v12"}))


SCENARIO = Scenario(
    name="v12-sense",
    summary="the helper's wire to 12 V is off, on a unit whose update was cut",
    story="The clip on the 12 V capacitor came off. 3.3 V is made of 12 V, and is good.",
    breaks=_break,
    expected_diagnosis="sense-out",
    expected_outcome="CHECK_WIRES",
)
