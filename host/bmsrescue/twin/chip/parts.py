"""The parts the twin can be: a name, the die inside, and what of its flash is sold (docs/reference/chip.md#device-ids).

Not here: the 1 MiB parts of the two-bank dies, whose second bank leaves a hole behind the first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bmsrescue.twin.chip.dies import H7AX, H72X, H74X, Die
from bmsrescue.twin.chip.geometry import FLASH_BASE, FlashGeometry

_KIB: Final = 1024
_WITH_CRYPTO: Final = ("H730", "H733", "H735", "H753", "H7B0", "H7B3")


@dataclass(frozen=True)
class Part:
    """One part number, as far as the chip itself knows it."""

    name: str
    """Without "STM32", as the part name word of the chip has it."""
    die: Die
    flash_kib: int

    @property
    def geometry(self) -> FlashGeometry:
        """Parts with no more than a bank have no second one."""
        die, size = self.die, self.flash_kib * _KIB
        banks = -(-size // die.bank_size)
        return FlashGeometry(FLASH_BASE, size, die.sector_size, die.word_size, banks)

    @property
    def crypto(self) -> bool:
        """Whether it has the crypto hardware."""
        return self.name in _WITH_CRYPTO

    @property
    def factory_wpsn(self) -> int:
        """WPSN of an unprotected bank: a one for each group of sectors the die could have."""
        die = self.die
        return (1 << die.bank_size // (die.sector_size * die.protect_sectors)) - 1


DEFAULT_PART: Final = "H725"

PARTS: Final[dict[str, Part]] = {
    part.name: part
    for part in (
        Part("H723", H72X, 1024),
        Part("H725", H72X, 1024),
        Part("H730", H72X, 128),
        Part("H733", H72X, 1024),
        Part("H735", H72X, 1024),
        Part("H743", H74X, 2048),
        Part("H753", H74X, 2048),
        Part("H7A3", H7AX, 2048),
        Part("H7B0", H7AX, 128),
        Part("H7B3", H7AX, 2048),
    )
}


def find_part(name: str) -> Part:
    """The part called "H743", "STM32H743" or "stm32h743vit6"; raises KeyError for one the twin cannot be."""
    wanted = name.upper().removeprefix("STM32")[:4]
    return PARTS[wanted]
