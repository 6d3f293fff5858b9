"""The write that starts an erase arrives with two bits turned: its parity is right, its sector is not."""

from bmsrescue.twin.board.unit import Unit

from .flash_commands import first_erase, other_sector
from .flash_damage import load_application
from .scenario import Scenario

_TO_CALIBRATION = 6  # sector 1 becomes 7


def _break(unit: Unit) -> None:
    load_application(unit, "1.1.0")
    unit.chip.flash.blank(0)
    first_erase(unit, other_sector(unit, _TO_CALIBRATION))


SCENARIO = Scenario(
    name="erase-command-flipped",
    summary="half-on, and the command to erase sector 1 erases sector 7, the calibration",
    story=(
        "A half-on unit. A spike of the charger turns two bits of the one word that starts the first erase. Two bits "
        "pass the parity of SWD, and the chip does what it heard: it erases the calibration."
    ),
    breaks=_break,
    expected_diagnosis="update-cut",
    expected_outcome="RECOVERED_CHECK_CONFIG",
)
