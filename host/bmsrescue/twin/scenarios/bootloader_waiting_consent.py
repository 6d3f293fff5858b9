"""A vendor's bootloader that waits, and a job that may clear its flag."""

from dataclasses import replace

from .bootloader_waiting import SCENARIO as WITHOUT_CONSENT

SCENARIO = replace(
    WITHOUT_CONSENT,
    name="bootloader-waiting-consent",
    summary="the same, with a job that may clear the flag",
    story="The engineer knows the vendor's flag and where it lies.",
    expected_outcome="RECOVERED",
    consent=("update-flag",),
)
