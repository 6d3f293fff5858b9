"""The unit's trip limits are a sister's, in a block that carries its own CRC-32 like the right one."""

from bmsrescue.twin.board.unit import Unit
from bmsrescue.twin.firmware.builds import firmware_of, tail_address
from bmsrescue.twin.firmware.limits import LFP, NMC, limits_block

from .scenario import Scenario
from .sister_product import MARKER


def _break(unit: Unit) -> None:
    build = firmware_of(unit.chip)
    if build is not None:
        unit.chip.flash.load(tail_address(build.segments()), limits_block(LFP))


SCENARIO = Scenario(
    name="sealed-sibling",
    summary="the firmware runs, with another pack's trip limits in a block sealed by its own CRC-32",
    story=(
        "One firmware for two packs; only the table of limits behind it differs. A CRC-32 over the sector is the same "
        "for both, as each table carries its own."
    ),
    breaks=_break,
    expected_diagnosis="differs",
    expected_outcome="RECOVERED",
    marker=MARKER,
    card_tail=limits_block(NMC),
)
