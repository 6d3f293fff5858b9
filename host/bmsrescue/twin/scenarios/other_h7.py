"""The right family, another flash size."""

from bmsrescue.twin.chip.config import ChipConfig

from .scenario import Scenario, leave_as_it_is

SCENARIO = Scenario(
    name="other-h7",
    summary="an STM32H725 with 512 KiB of flash instead of 1 MiB",
    story="The buyer found only the smaller part that year.",
    breaks=leave_as_it_is,
    expected_diagnosis="wrong-target",
    expected_outcome="WRONG_TARGET",
    config=ChipConfig(flash_size_kib=512),
)
