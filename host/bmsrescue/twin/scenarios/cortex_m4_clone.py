"""A Cortex-M4 clone."""

from bmsrescue.twin.chip.config import ChipConfig

from .scenario import Scenario, leave_as_it_is

SCENARIO = Scenario(
    name="cortex-m4-clone",
    summary="a Cortex-M4 clone in place of the H7",
    story="A refurbished board with a cheaper chip on it.",
    breaks=leave_as_it_is,
    expected_diagnosis="wrong-target",
    expected_outcome="WRONG_TARGET",
    config=ChipConfig(family="m4-clone"),
)
