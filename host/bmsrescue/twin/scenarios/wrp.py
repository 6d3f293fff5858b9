"""Sectors that the option bytes protect against writing."""

from dataclasses import replace

from bmsrescue.twin.board.unit import Unit

from .scenario import Scenario


def _break(unit: Unit) -> None:
    unit.chip.flash.blank(0)
    factory = unit.chip.options.factory
    unit.chip.options.preset(replace(factory, wpsn=factory.wpsn & ~0x3))


SCENARIO = Scenario(
    name="wrp",
    summary="the first sector is erased, and sectors 0 and 1 are write-protected",
    story="The updater sets write protection when it is done; it was cut before that and started again.",
    breaks=_break,
    expected_diagnosis="wrp",
    expected_outcome="LOCKED",
)
