"""The option bytes start the chip somewhere else, and the job may put that right."""

from bmsrescue.twin.board.unit import Unit

from .scenario import Scenario
from .wrong_boot_address import SCENARIO as WITHOUT_CONSENT


def _break(unit: Unit) -> None:
    WITHOUT_CONSENT.breaks(unit)


SCENARIO = Scenario(
    name="wrong-boot-address-consent",
    summary="the same, with a job that may restore option bytes",
    story="The engineer compared the option bytes with a good unit's.",
    breaks=_break,
    expected_diagnosis="wrong-boot-address",
    expected_outcome="RECOVERED",
    consent=("option-bytes",),
)
