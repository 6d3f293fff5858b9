"""Flash geometry: what a part's flash looks like from the bus."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

FLASH_BASE: Final = 0x08000000


@dataclass(frozen=True)
class FlashGeometry:
    """Sizes in bytes. A flash word is what one ECC covers and one operation programs; banks follow each other."""

    base: int
    size: int
    sector_size: int
    word_size: int
    banks: int

    @property
    def sectors(self) -> int:
        return self.size // self.sector_size

    @property
    def words(self) -> int:
        return self.size // self.word_size

    @property
    def words_per_sector(self) -> int:
        return self.sector_size // self.word_size

    @property
    def bank_size(self) -> int:
        return self.size // self.banks

    @property
    def sectors_per_bank(self) -> int:
        return self.sectors // self.banks

    @property
    def words_per_bank(self) -> int:
        return self.words // self.banks
