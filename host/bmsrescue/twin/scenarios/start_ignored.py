"""The command that starts the first erase is lost."""

from bmsrescue.twin.board.unit import Unit

from .flash_commands import first_erase, without_start
from .flash_damage import load_application
from .scenario import Scenario


def _break(unit: Unit) -> None:
    load_application(unit, "1.1.0")
    unit.chip.flash.blank(0)
    first_erase(unit, without_start(unit))


SCENARIO = Scenario(
    name="start-ignored",
    summary="half-on, and the first erase is not started",
    story=(
        "A half-on unit. The word that starts the first erase reaches the flash controller without START. Nothing is "
        "erased and no flag says so; who programs now writes over words that are not blank, and tears them."
    ),
    breaks=_break,
    expected_diagnosis="update-cut",
    expected_outcome="RECOVERED",
)
