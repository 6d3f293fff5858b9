"""An execute-only area that is none of the job's business."""

from dataclasses import replace

from bmsrescue.twin.board.unit import Unit

from .scenario import Scenario


def _break(unit: Unit) -> None:
    unit.chip.flash.load(0x080A0000, bytes(range(256)))
    unit.chip.flash.blank(0)
    unit.chip.options.preset(replace(unit.chip.options.factory, prar=0x0A0F0A00))


SCENARIO = Scenario(
    name="pcrop-elsewhere",
    summary="PCROP over 4 KiB of a library in sector 5, the application's first sector is erased",
    story="The maker bought a cell model and keeps it execute-only; an update of its own firmware was cut.",
    breaks=_break,
    expected_diagnosis="update-cut",
    expected_outcome="RECOVERED",
)
