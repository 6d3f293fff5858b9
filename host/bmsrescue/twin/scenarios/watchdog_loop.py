"""A hardware watchdog that nobody feeds."""

from dataclasses import replace

from bmsrescue.twin.board.unit import Unit
from bmsrescue.twin.chip.flash.registers import IWDG1_SW

from .scenario import Scenario
from .unit_programs import IDLE, replace_first_sector


def _break(unit: Unit) -> None:
    replace_first_sector(unit, IDLE)
    factory = unit.chip.options.factory
    unit.chip.options.preset(replace(factory, optsr=factory.optsr & ~IWDG1_SW))


SCENARIO = Scenario(
    name="watchdog-loop",
    summary="the watchdog runs from reset on by option byte, and the firmware does not feed it",
    story="The update stopped after the first sector, and the option byte starts the watchdog all the same.",
    breaks=_break,
    expected_diagnosis="watchdog-loop",
    expected_outcome="RECOVERED",
)
