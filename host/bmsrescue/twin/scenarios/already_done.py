"""The unit carries the job's image already."""

from .scenario import Scenario, leave_as_it_is

SCENARIO = Scenario(
    name="already-done",
    summary="the unit was recovered before and came back with the wrong label",
    story="A unit from yesterday's shelf of recovered ones went round a second time.",
    breaks=leave_as_it_is,
    expected_diagnosis="healthy",
    expected_outcome="NO_FAULT_FOUND",
)
