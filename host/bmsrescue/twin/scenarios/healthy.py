"""Nothing is wrong."""

from .scenario import Scenario, leave_as_it_is

SCENARIO = Scenario(
    name="healthy",
    summary="nothing is wrong: firmware 1.2.0 runs",
    story="A unit from the shelf. Whoever sent it in thought it was dead; its battery was only empty.",
    breaks=leave_as_it_is,
    expected_diagnosis="healthy",
    expected_outcome="NO_FAULT_FOUND",
)
