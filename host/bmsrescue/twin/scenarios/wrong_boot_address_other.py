"""The option bytes start the chip in RAM, and the firmware on it is not the job's."""

from dataclasses import replace

from bmsrescue.twin.board.unit import Unit

from .flash_damage import load_application
from .scenario import Scenario


def _break(unit: Unit) -> None:
    load_application(unit, "1.1.0")
    unit.chip.options.preset(replace(unit.chip.options.factory, boot=0x1FF02400))


SCENARIO = Scenario(
    name="wrong-boot-address-other",
    summary="BOOT_ADD0 sends the chip into RAM; firmware 1.1.0 is whole",
    story="A debugging session left the boot address behind.",
    breaks=_break,
    expected_diagnosis="wrong-boot-address",
    expected_outcome="LOCKED",
)
