"""The first key of the flash controller arrives with two bits turned."""

from bmsrescue.twin.board.unit import Unit

from .flash_commands import first_key
from .flash_damage import load_application
from .scenario import Scenario

_FLIPPED = 0x11


def _break(unit: Unit) -> None:
    load_application(unit, "1.1.0")
    unit.chip.flash.blank(0)
    first_key(unit, _FLIPPED)


SCENARIO = Scenario(
    name="keys-flipped",
    summary="half-on, and a key of the flash controller arrives wrong, which locks it until a reset",
    story=(
        "A half-on unit. Two bits of the first key are turned on their way. After a wrong key the controller stays "
        "locked until the next reset, whatever is written to it; that is no write protection and no worn chip."
    ),
    breaks=_break,
    expected_diagnosis="update-cut",
    expected_outcome="RECOVERED",
)
