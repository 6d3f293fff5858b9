"""A half-written word in the calibration, and a job that may rewrite its sector."""

from bmsrescue.twin.board.unit import Unit

from .scenario import Scenario
from .torn_calibration import SCENARIO as WITHOUT_CONSENT


def _break(unit: Unit) -> None:
    WITHOUT_CONSENT.breaks(unit)


SCENARIO = Scenario(
    name="torn-calibration-consent",
    summary="the same, with a job that allows sector 7 to be rewritten",
    story="The engineer has seen the first record and gives consent for that one sector.",
    breaks=_break,
    expected_diagnosis="torn-data",
    expected_outcome="RECOVERED_CHECK_CONFIG",
    consent=("sector:7",),
)
