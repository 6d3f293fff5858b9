"""A large capacitor on NRST."""

from bmsrescue.twin.board.unit import Unit

from . import half_on
from .scenario import Scenario


def _break(unit: Unit) -> None:
    half_on.SCENARIO.breaks(unit)
    unit.break_board(nrst_capacitance_nf=4700.0)


SCENARIO = Scenario(
    name="slow-nrst",
    summary="4.7 uF on NRST; the update was cut",
    story="Somebody put a large capacitor on NRST against noise, and an update was cut.",
    breaks=_break,
    expected_diagnosis="update-cut",
    expected_outcome="RECOVERED",
)
