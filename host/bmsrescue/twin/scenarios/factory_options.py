"""Option bytes as the factory sets them, and a job that asks for all of them."""

from dataclasses import replace

from bmsrescue.twin.board.unit import Unit

from .scenario import Scenario


def _break(unit: Unit) -> None:
    unit.chip.options.preset(replace(unit.chip.options.factory, optsr=0x0306AAD0))


SCENARIO = Scenario(
    name="factory-options",
    summary="a good unit's option bytes, reserved bits and all; the job's golden value is another chip's",
    story="The golden value was read from a unit of an older revision and copied into the job without a mask.",
    breaks=_break,
    expected_diagnosis="healthy",
    expected_outcome="NO_FAULT_FOUND",
    job={"options": {"optsr": {"value": "0x179EAAF0"}, "boot": {"value": "0x1FF00800"}}},
)
