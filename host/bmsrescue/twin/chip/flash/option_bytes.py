"""Option bytes: the stored values, what they mean, and what a change does (RM0468 section 4.4; fact sheet 4.1, 4.5)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bmsrescue.twin.chip.flash import registers as reg
from bmsrescue.twin.chip.geometry import H725_1M, FlashGeometry

_STORED_SR = 0xBFFFFFFE & ~reg.OPTCHANGEERR


@dataclass(frozen=True)
class OptionValues:
    """The six option registers as stored; the defaults are the factory's."""

    optsr: int = 0x179EAAF0
    prar: int = 0x000000FF
    scar: int = 0x800000FF
    wpsn: int = 0x000000FF
    boot: int = 0x1FF00800
    optsr2: int = 0x00000000

    @property
    def rdp_level(self) -> int:
        byte = self.optsr >> reg.RDP_SHIFT & 0xFF
        if byte == reg.RDP_LEVEL_0:
            return 0
        return 2 if byte == reg.RDP_LEVEL_2 else 1

    @property
    def bor_level(self) -> int:
        return self.optsr >> reg.BOR_LEV_SHIFT & 3

    @property
    def hardware_watchdog(self) -> bool:
        return not self.optsr & reg.IWDG1_SW

    @property
    def boot_addresses(self) -> tuple[int, int]:
        return (self.boot & 0xFFFF) << 16, self.boot & 0xFFFF0000

    @property
    def pcrop(self) -> range:
        """Offsets of the read-protected area within the bank; empty when start > end, all of it when they are equal."""
        return _area(self.prar)

    @property
    def pcrop_falls_with_rdp(self) -> bool:
        return bool(self.prar & reg.DMEP)

    def sector_protected(self, sector: int) -> bool:
        return not self.wpsn >> sector & 1

    def with_rdp(self, byte: int) -> OptionValues:
        return replace(self, optsr=self.optsr & ~(0xFF << reg.RDP_SHIFT) | byte << reg.RDP_SHIFT)


def _area(register: int, geometry: FlashGeometry = H725_1M) -> range:
    start, end = register & 0xFFF, register >> 16 & 0xFFF
    if start > end:
        return range(0)
    if start == end:
        return range(geometry.size)
    return range(start * reg.AREA_UNIT, (end + 1) * reg.AREA_UNIT)


class OptionBytes:
    """The non-volatile store and the two register views of it.

    ``stored`` is what the cells hold, ``current`` what the chip obeys (_CUR), ``staged`` what OPTSTART programs (_PRG).
    A scenario presets them with ``preset`` before the unit gets power.
    """

    def __init__(self, values: OptionValues = OptionValues()) -> None:
        self.stored = values
        self.current = values
        self.staged = values

    def preset(self, values: OptionValues) -> None:
        self.stored = values
        self.reload()

    def reload(self) -> None:
        """A reset: both views come from the cells again."""
        self.current = self.stored
        self.staged = self.stored

    def commit(self, values: OptionValues) -> None:
        """A change has been programmed; _CUR follows at once."""
        self.stored = values
        self.current = values

    def change_refused(self) -> bool:
        """Whether OPTSTART now must fail with OPTCHANGEERR.

        Level 2 freezes everything. SECURITY is never cleared again (rules unconfirmed). A PCROP area may shrink only
        together with a fall of the readout protection.
        """
        if self.current.rdp_level == 2:
            return True
        regression = self.current.rdp_level == 1 and self.staged.rdp_level == 0
        if self.current.optsr & reg.SECURITY and not self.staged.optsr & reg.SECURITY:
            return True
        old, new = self.current.pcrop, self.staged.pcrop
        shrinks = bool(old) and not (new and new.start <= old.start and new.stop >= old.stop)
        return shrinks and not regression


REGISTER_FIELDS: dict[int, str] = {
    reg.OPTSR_CUR: "optsr",
    reg.PRAR_CUR: "prar",
    reg.SCAR_CUR: "scar",
    reg.WPSN_CUR: "wpsn",
    reg.BOOT_CUR: "boot",
    reg.OPTSR2_CUR: "optsr2",
}
"""_CUR register offset to field; the _PRG register follows 4 bytes later."""

WRITABLE: dict[str, int] = {
    "optsr": _STORED_SR,
    "prar": 0x8FFF0FFF,
    "scar": 0x8FFF0FFF,
    "wpsn": 0x000000FF,
    "boot": 0xFFFFFFFF,
    "optsr2": 0x00000007,
}
