"""The memories of a die as bus devices (RM0468 2.3; docs/reference/chip.md#memory-map)."""

from __future__ import annotations

import random

from bmsrescue.twin.chip.bus import RamBlock
from bmsrescue.twin.chip.dies import Die

ITCM = 0x00000000
DTCM = 0x20000000
PPB = 0xE0000000
PPB_SIZE = 0x100000
_SHIFT_BITS = 24
FOREIGN_RAM_SIZE = 0x10000
"""What another family has of RAM where DTCM is."""


def make_rams(die: Die, *, gated_is_error: bool) -> dict[str, RamBlock]:
    """By name. Those whose clock RCC switches are without it after reset."""
    return {
        ram.name: RamBlock(ram.name, ram.start, ram.size, enabled=ram.clock is None, gated_error=gated_is_error)
        for ram in die.rams
    }


class PowerOnNoise:
    """What RAM holds after power-on: nothing anybody wrote. The backup SRAM has no battery on this board.

    The first time it is drawn; after that the same noise is shifted, as a board that starts again and again would
    draw millions of bytes a second.
    """

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._drawn: dict[str, bytes] = {}

    def fill(self, rams: dict[str, RamBlock]) -> None:
        shift = self._rng.getrandbits(_SHIFT_BITS) if self._drawn else 0
        for name, ram in rams.items():
            size = len(ram.data)
            if name not in self._drawn:
                self._drawn[name] = self._rng.randbytes(size)
            noise, at = self._drawn[name], shift % size
            ram.data[: size - at] = noise[at:]
            ram.data[size - at :] = noise[:at]
