"""The pogo pin of SWCLK loses its contact for half a second while the flash is read."""

from bmsrescue.twin.board.faults import ContactLoss
from bmsrescue.twin.board.unit import Unit

from .flash_damage import load_application
from .scenario import Scenario

_IN_BACKUP_MS = 1_700.0  # it begins 1.3 s after power, and the wire is read for a second


def _break(unit: Unit) -> None:
    load_application(unit, "1.1.0")
    unit.chip.flash.blank(0)
    unit.break_board(contact_loss=ContactLoss(at_ms=_IN_BACKUP_MS, for_ms=500.0))


SCENARIO = Scenario(
    name="contact-lost-in-backup",
    summary="half-on, and SWCLK has no contact for half a second in the backup",
    story=(
        "A half-on unit under a hand-held probe. Somebody leans on the bench while the flash is read, the pin of SWCLK "
        "lifts for half a second and comes back."
    ),
    breaks=_break,
    expected_diagnosis="update-cut",
    expected_outcome="RECOVERED",
)
