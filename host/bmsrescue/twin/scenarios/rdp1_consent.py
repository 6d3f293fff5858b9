"""Read protection level 1, and a job that may remove it."""

from bmsrescue.twin.board.unit import Unit

from .rdp1 import SCENARIO as WITHOUT_CONSENT
from .scenario import Scenario


def _break(unit: Unit) -> None:
    WITHOUT_CONSENT.breaks(unit)


SCENARIO = Scenario(
    name="rdp1-consent",
    summary="the same, with a job that may remove the protection and with it everything on the chip",
    story="The customer was told that calibration and serial number go with it, and agreed in writing.",
    breaks=_break,
    expected_diagnosis="rdp1",
    expected_outcome="RECOVERED_CHECK_CONFIG",
    consent=("rdp-regression",),
)
