"""SWCLK rings: now and then the chip counts one clock twice."""

from bmsrescue.twin.board.unit import Unit

from .flash_damage import load_application
from .scenario import Scenario


def _break(unit: Unit) -> None:
    load_application(unit, "1.1.0")
    unit.chip.flash.blank(0)
    unit.break_board(swd_extra_clock_rate=1e-4)


SCENARIO = Scenario(
    name="ringing-swclk",
    summary="half-on, and at 4 MHz one SWCLK cycle in 10,000 is counted twice",
    story=(
        "A half-on unit on jumper wires 30 cm long with one ground far away from them. The edges of SWCLK ring through "
        "the chip's threshold. Nothing is wrong with the chip, and a slower clock is counted right nearly always."
    ),
    breaks=_break,
    expected_diagnosis="update-cut",
    expected_outcome="RECOVERED",
)
