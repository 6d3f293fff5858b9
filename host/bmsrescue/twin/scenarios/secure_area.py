"""A secure-only area over the start of the application."""

from dataclasses import replace

from bmsrescue.twin.board.unit import Unit

from .scenario import Scenario


def _break(unit: Unit) -> None:
    unit.chip.flash.blank(1)
    unit.chip.options.preset(replace(unit.chip.options.factory, scar=0x00FF0000))


SCENARIO = Scenario(
    name="secure-area",
    summary="a secure-only area over the first 64 KiB, the second sector is erased",
    story="The maker's secure installation was begun on a part that came back from a trial.",
    breaks=_break,
    expected_diagnosis="secure-area",
    expected_outcome="LOCKED",
)
