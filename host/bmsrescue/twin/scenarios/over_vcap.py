"""The core voltage is far above its limit."""

from bmsrescue.twin.board.unit import Unit

from .scenario import Scenario


def _break(unit: Unit) -> None:
    unit.break_board(regulator_mv={"vcap": 2700})


SCENARIO = Scenario(
    name="over-vcap",
    summary="VCAP at 2.7 V: a bad solder joint on a supply pin",
    story="After a reflow one supply pin of the MCU has no contact, and its core regulator is out of control.",
    breaks=_break,
    expected_diagnosis="over-voltage",
    expected_outcome="UNSAFE",
)
