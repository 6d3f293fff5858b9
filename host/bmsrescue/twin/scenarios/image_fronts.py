"""Images whose first instructions are others: the unit's own firmware with a program of unit_programs.S in front."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Final

from bmsrescue.twin.board.unit import Unit
from bmsrescue.twin.firmware import IMAGE_ADDRESS

from .flash_damage import load_application
from .unit_programs import BAD_READ, IDLE

CRYSTAL: Final = bytes.fromhex("0548016841f480310160016811f4003ffbd00248004700bf0044025800000000")
CLOCK_CRYSTAL: Final = bytes.fromhex(
    "0748016841f4807101600648016841f001010160016811f0020ffbd002480047004802587044025800000000"
)
OTHER_SUPPLY: Final = bytes.fromhex("0248042101600248004700bf0c48025800000000")

_AT: Final = 0x300
"""Between the vectors and the image header nothing is used."""
_ENTRY: Final = 4
_COUNTS: Final = bytes.fromhex("02480138fdd10248004700bf")
_ENTERS: Final = (CRYSTAL, CLOCK_CRYSTAL, OTHER_SUPPLY)


def in_front(program: bytes) -> Callable[[bytes], bytes]:
    """What makes an image start with `program`; those that end do so at the image's own entry."""

    def change(image: bytes) -> bytes:
        if len(set(image[_AT : _AT + len(program)])) != 1:
            raise ValueError(f"something lies at 0x{IMAGE_ADDRESS + _AT:08x}")
        (entry,) = struct.unpack_from("<I", image, _ENTRY)
        enters = program in _ENTERS or program.startswith(_COUNTS)
        put = program[:-4] + struct.pack("<I", entry) if enters else program
        changed = bytearray(image)
        changed[_AT : _AT + len(put)] = put
        struct.pack_into("<I", changed, _ENTRY, IMAGE_ADDRESS + _AT | 1)
        return bytes(changed)

    return change


WAITS_FOR_CRYSTAL: Final = in_front(CRYSTAL)
WAITS_FOR_CLOCK_CRYSTAL: Final = in_front(CLOCK_CRYSTAL)
TAKES_OTHER_SUPPLY: Final = in_front(OTHER_SUPPLY)
FAULTS: Final = in_front(BAD_READ)
BRANCHES_TO_ITSELF: Final = in_front(IDLE)


def counts_first(rounds: int) -> Callable[[bytes], bytes]:
    """An image that first counts down, two cycles a round, as delays are written."""
    return in_front(_COUNTS + struct.pack("<II", rounds, 0))


def load_changed(unit: Unit, change: Callable[[bytes], bytes], version: str = "1.2.0") -> None:
    """The unit carries that image, from its first byte to its last."""
    load_application(unit, version)
    flash = unit.chip.flash
    sector = flash.geometry.sector_size
    first = change(flash.snapshot()[:sector])
    flash.blank(0)
    flash.load(IMAGE_ADDRESS, first)
