"""The memories of a die as bus devices (RM0468 2.3; docs/reference/chip.md#memory-map)."""

from __future__ import annotations

import random

from bmsrescue.twin.chip.bus import RamBlock
from bmsrescue.twin.chip.dies import Die

ITCM = 0x00000000
DTCM = 0x20000000
PPB = 0xE0000000
PPB_SIZE = 0x100000
FOREIGN_RAM_SIZE = 0x10000
"""What another family has of RAM where DTCM is."""


def make_rams(die: Die, *, gated_is_error: bool) -> dict[str, RamBlock]:
    """By name. Those whose clock RCC switches are without it after reset."""
    return {
        ram.name: RamBlock(ram.name, ram.start, ram.size, enabled=ram.clock is None, gated_error=gated_is_error)
        for ram in die.rams
    }


def scramble(rams: dict[str, RamBlock], rng: random.Random) -> None:
    """What RAM holds after power-on: nothing anybody wrote. The backup SRAM has no battery on this board."""
    for ram in rams.values():
        ram.data[:] = rng.randbytes(len(ram.data))
