"""What option bytes forbid: which sectors are not written, and what nobody reads (docs/reference/silicon.md)."""

from __future__ import annotations

from dataclasses import dataclass

from bmsrescue.twin.chip.config import ChipConfig
from bmsrescue.twin.chip.flash.option_bytes import OptionValues

Span = tuple[int, int]
"""(bus address, length)"""


class BankLimits:
    """The areas of one bank, worked out once for each set of option bytes. Sectors and offsets count in the bank."""

    __slots__ = ("execute_only", "protected", "secure")

    def __init__(self, values: OptionValues, bank: int, config: ChipConfig) -> None:
        geometry = config.sold_as.geometry
        self.execute_only = values.pcrop(bank, geometry)
        self.secure = values.secure_area(bank, geometry)
        size, group = geometry.sector_size, config.die.protect_sectors
        self.protected = frozenset(
            sector
            for sector in range(geometry.sectors_per_bank)
            if values.sector_protected(bank, sector // group)
            or _touches(self.execute_only, sector, size)
            or _touches(self.secure, sector, size)
        )

    @property
    def guards_reads(self) -> bool:
        return bool(self.execute_only or self.secure)

    def touch_reads(self, first: int, last: int) -> bool:
        """Whether one of the areas that are not read lies between these offsets."""
        return any(area and area.start < last and area.stop > first for area in (self.execute_only, self.secure))


@dataclass(frozen=True)
class ReadLimits:
    """What the core's own loads and fetches meet."""

    closed: bool = False
    """Readout protection level 1 with a debugger: neither data nor code."""
    execute_only: tuple[Span, ...] = ()
    secure: tuple[Span, ...] = ()
    """Reads as zero."""


NO_LIMITS = ReadLimits()


def _touches(area: range, sector: int, size: int) -> bool:
    return bool(area) and area.start < (sector + 1) * size and area.stop > sector * size
