"""Firmware that goes wrong in one way each: the assembled bytes of unit_programs.S, with a vector table in front."""

from __future__ import annotations

import struct
from typing import Final

from bmsrescue.twin.board.unit import Unit
from bmsrescue.twin.firmware import IMAGE_ADDRESS

from .flash_damage import load_application

IDLE: Final = bytes.fromhex("fee7")
BUSY: Final = bytes.fromhex("00bf") * 40 + bytes.fromhex("d6e7")  # a loop of more than a few instructions
UNDEFINED: Final = bytes.fromhex("00de")
BAD_READ: Final = bytes.fromhex("01480168fee700bf000000a0")
BAD_READ_HANDLER: Final = 4
"""Offset of the loop that its HardFault vector points to."""
SWD_PINS: Final = bytes.fromhex("0648016841f0010101600548016821f0705141f0a0510160fee700bfe044025800000258")
STANDBY: Final = bytes.fromhex("044807210160044804210160bff34f8f30bffee71048025810ed00e0")
SMPS: Final = bytes.fromhex("014804210160fee70c480258")
BOOTLOADER: Final = bytes.fromhex(
    "0b4801680b4a91420bd10b48016841f480210160094805210160c16911f0200ffbd007480749086001688d4641680847"
    "00000a08a6f107b0e8440258004800400000000808ed00e0"
)

_CODE_ADDRESS: Final = IMAGE_ADDRESS + 0x100
_STACK_TOP: Final = 0x20010000
_EXCEPTIONS: Final = 14


def replace_first_sector(unit: Unit, program: bytes, handler: int = 0) -> None:
    """Put `program` where the unit's own firmware begins; the rest of 1.2.0 stays. Faults go to offset `handler`."""
    load_application(unit, "1.2.0")
    unit.chip.flash.blank(0)
    vectors = struct.pack(
        f"<{2 + _EXCEPTIONS}I", _STACK_TOP, _CODE_ADDRESS | 1, *[_CODE_ADDRESS + handler | 1] * _EXCEPTIONS
    )
    unit.chip.flash.load(IMAGE_ADDRESS, vectors)
    unit.chip.flash.load(_CODE_ADDRESS, program)
