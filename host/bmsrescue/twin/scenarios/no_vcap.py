"""The chip's core has no supply."""

from bmsrescue.twin.board.unit import Unit

from .scenario import Scenario


def _break(unit: Unit) -> None:
    unit.break_board(core_supply_dead=True)


SCENARIO = Scenario(
    name="no-vcap",
    summary="the core supply is dead: VCAP at zero, chip holds itself in reset",
    story="The MCU's VDDLDO pin has a cracked joint, so its core regulator has no input.",
    breaks=_break,
    expected_diagnosis="no-vcap",
    expected_outcome="NOT_FIRMWARE",
)
