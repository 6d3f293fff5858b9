"""A vendor's bootloader that waits for an update which nobody sends."""

import struct
from dataclasses import replace
from typing import Final

from bmsrescue.twin.board.unit import Unit

from .scenario import Scenario
from .unit_programs import BOOTLOADER

_ADDRESS: Final = 0x080C0000
_FLAG_ADDRESS: Final = 0x080A0000
_FLAG: Final = 0xB007F1A6
_STACK_TOP: Final = 0x20010000
_CODE: Final = 0x100
_BOOT: Final = 0x1FF0080C  # BOOT_ADD0 at the bootloader
_LEFT_OVER: Final = b"update 1.3.0, 3 of 214 blocks".ljust(64, b"\x00")


def load_bootloader(unit: Unit) -> None:
    """The bootloader, and option bytes that start it; its flag is clear, so that it starts the application."""
    flash = unit.chip.flash
    flash.load(_ADDRESS, struct.pack("<II", _STACK_TOP, _ADDRESS + _CODE | 1))
    flash.load(_ADDRESS + _CODE, BOOTLOADER)
    unit.chip.options.preset(replace(unit.chip.options.factory, boot=_BOOT))


def _break(unit: Unit) -> None:
    load_bootloader(unit)
    flash = unit.chip.flash
    flash.load(_FLAG_ADDRESS, _FLAG.to_bytes(4, "little").ljust(32, b"\x00"))
    flash.load(_FLAG_ADDRESS + 0x1000, _LEFT_OVER)


SCENARIO = Scenario(
    name="bootloader-waiting",
    summary="the vendor's bootloader waits for an update, its flag is stuck; the application is in order",
    story="The update tool set the flag, reset the unit and then lost its cable. No tool of today speaks to it.",
    breaks=_break,
    expected_diagnosis="bootloader-waiting",
    expected_outcome="LOCKED",
    job={
        "options": {"boot": {"value": f"0x{_BOOT:08X}"}},
        "bootloader": {
            "address": f"0x{_ADDRESS:08X}",
            "length": 0x20000,
            "flag": {"address": f"0x{_FLAG_ADDRESS:08X}", "set": f"0x{_FLAG:08X}"},
        },
    },
)
