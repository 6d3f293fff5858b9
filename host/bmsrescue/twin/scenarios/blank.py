"""No application at all; the calibration block is there."""

from .flash_damage import erase_application
from .scenario import Scenario

SCENARIO = Scenario(
    name="blank",
    summary="the application is erased, calibration is there",
    story="The updater erased the whole application and then lost its connection before the first write.",
    breaks=erase_application,
    expected_diagnosis="blank",
    expected_outcome="RECOVERED",
)
