"""Flash geometry by part: one table, so that another H7 is another line (fact sheet section 12)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class FlashGeometry:
    """Sizes in bytes. A flash word is what one ECC covers and one operation programs."""

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


H725_1M = FlashGeometry(base=0x08000000, size=0x100000, sector_size=0x20000, word_size=32, banks=1)
