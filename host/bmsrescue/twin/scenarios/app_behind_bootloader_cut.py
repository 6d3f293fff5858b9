"""An update cut behind a bootloader that the job says nothing about."""

from bmsrescue.twin.board.unit import Unit

from .bootloader_waiting import load_bootloader
from .scenario import Scenario


def _break(unit: Unit) -> None:
    load_bootloader(unit)
    unit.chip.flash.blank(0)


SCENARIO = Scenario(
    name="app-behind-bootloader-cut",
    summary="the same, with the application's first sector erased",
    story="The maker's update was cut; its bootloader does not look before it jumps.",
    breaks=_break,
    expected_diagnosis="update-cut",
    expected_outcome="RECOVERED",
    job={"options": {}},
)
