"""Another chip altogether."""

from bmsrescue.twin.chip.config import ChipConfig

from .scenario import Scenario, leave_as_it_is

SCENARIO = Scenario(
    name="wrong-target",
    summary="an STM32H743 instead of the STM32H725 the job is for",
    story="A unit of the older series, which looks the same from outside.",
    breaks=leave_as_it_is,
    expected_diagnosis="wrong-target",
    expected_outcome="WRONG_TARGET",
    config=ChipConfig(part="H743"),
)
