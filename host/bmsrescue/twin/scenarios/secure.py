"""The secure area is enabled."""

from dataclasses import replace

from bmsrescue.twin.board.unit import Unit
from bmsrescue.twin.chip.flash.registers import SECURITY

from .scenario import Scenario


def _break(unit: Unit) -> None:
    unit.chip.flash.blank(0)
    factory = unit.chip.options.factory
    unit.chip.options.preset(replace(factory, optsr=factory.optsr | SECURITY))


SCENARIO = Scenario(
    name="secure",
    summary="the SECURITY option bit is set",
    story="The maker uses ST's secure install.",
    breaks=_break,
    expected_diagnosis="secure",
    expected_outcome="LOCKED",
)
