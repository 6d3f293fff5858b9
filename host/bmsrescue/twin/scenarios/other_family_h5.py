"""Another family with the same DPIDR."""

from bmsrescue.twin.chip.config import ChipConfig

from .scenario import Scenario, leave_as_it_is

SCENARIO = Scenario(
    name="other-family-h5",
    summary="an STM32H5 in place of the H7",
    story="The supplier changed the microcontroller, and nobody wrote it down.",
    breaks=leave_as_it_is,
    expected_diagnosis="wrong-target",
    expected_outcome="WRONG_TARGET",
    config=ChipConfig(family="h5"),
)
