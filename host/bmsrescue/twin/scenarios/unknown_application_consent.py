"""An application that runs and that the job does not know, to be replaced all the same."""

from bmsrescue.twin.board.unit import Unit

from .scenario import Scenario
from .unknown_application import SCENARIO as WITHOUT_CONSENT


def _break(unit: Unit) -> None:
    WITHOUT_CONSENT.breaks(unit)


SCENARIO = Scenario(
    name="unknown-application-consent",
    summary="the same, with a job that may write over it",
    story="The owner said that it is an early build of this very product.",
    breaks=_break,
    expected_diagnosis="unknown-application",
    expected_outcome="RECOVERED",
    consent=("unknown-application",),
)
