"""Power went away in the middle of writing a flash word."""

from bmsrescue.twin.board.unit import Unit

from .flash_damage import cut_program
from .scenario import Scenario


def _break(unit: Unit) -> None:
    cut_program(unit, "1.2.0")


SCENARIO = Scenario(
    name="interrupted-program",
    summary="update cut while writing: partial 1.2.0 with a torn flash word in the middle",
    story=(
        "The update to 1.2.0 was half written when the power went. The flash word in progress has a broken ECC and "
        "faults when it is read; what should follow it in its sector is blank."
    ),
    breaks=_break,
    expected_diagnosis="interrupted-program",
    expected_outcome="RECOVERED",
)
