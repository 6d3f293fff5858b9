"""The unit carries something newer than the card."""

from .scenario import Scenario, leave_as_it_is

SCENARIO = Scenario(
    name="newer-firmware",
    summary="the unit runs 1.2.0, the card brings 1.1.0",
    story="Somebody put last year's card into the dongle.",
    breaks=leave_as_it_is,
    expected_diagnosis="newer-firmware",
    expected_outcome="LOCKED",
    card_version="1.1.0",
)
