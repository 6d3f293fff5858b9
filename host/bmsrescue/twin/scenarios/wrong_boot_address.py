"""The option bytes start the chip somewhere else."""

from dataclasses import replace

from bmsrescue.twin.board.unit import Unit

from .scenario import Scenario


def _break(unit: Unit) -> None:
    unit.chip.options.preset(replace(unit.chip.options.factory, boot=0x1FF01FF0))


SCENARIO = Scenario(
    name="wrong-boot-address",
    summary="BOOT_ADD0 sends the chip into the system bootloader",
    story="A factory tool was to set it back after its test and was closed too early.",
    breaks=_break,
    expected_diagnosis="wrong-boot-address",
    expected_outcome="LOCKED",
)
