"""Write-protected sectors, and a job that may lift that for the cure."""

from bmsrescue.twin.board.unit import Unit

from .scenario import Scenario
from .wrp import SCENARIO as WITHOUT_CONSENT


def _break(unit: Unit) -> None:
    WITHOUT_CONSENT.breaks(unit)


SCENARIO = Scenario(
    name="wrp-consent",
    summary="the same, with a job that may lift the protection for the cure",
    story="The engineer knows that the updater sets it and that it has to be set again.",
    breaks=_break,
    expected_diagnosis="wrp",
    expected_outcome="RECOVERED",
    consent=("wrp",),
)
