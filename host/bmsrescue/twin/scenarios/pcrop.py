"""An execute-only area over all of the flash, left by an experiment."""

from dataclasses import replace

from bmsrescue.twin.board.unit import Unit

from .scenario import Scenario


def _break(unit: Unit) -> None:
    unit.chip.flash.blank(0)
    unit.chip.options.preset(replace(unit.chip.options.factory, prar=0x00100010))


SCENARIO = Scenario(
    name="pcrop",
    summary="PCROP over the whole bank (start = end), the first sector is erased",
    story="Somebody tried execute-only protection with ST's programmer and gave it the same start and end.",
    breaks=_break,
    expected_diagnosis="pcrop",
    expected_outcome="LOCKED",
    consent=("rdp-regression", "option-bytes", "wrp"),
)
