"""Option bytes: the stored values, what they mean, and what a change does (RM0468 4.4, 4.5)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bmsrescue.twin.chip.flash import registers as reg
from bmsrescue.twin.chip.geometry import FlashGeometry
from bmsrescue.twin.chip.parts import DEFAULT_PART, PARTS, Part

_STORED_SR = 0xBFFFFFFE & ~reg.OPTCHANGEERR


@dataclass(frozen=True)
class OptionValues:
    """The option registers as stored; the defaults are an H72x's from the factory. Names in 2 belong to bank 2."""

    optsr: int = 0x0306AAD0
    prar: int = 0x000000FF
    scar: int = 0x000000FF
    wpsn: int = 0x000000FF
    boot: int = 0x1FF00800
    optsr2: int = 0x00000000
    prar2: int = 0x000000FF
    scar2: int = 0x000000FF
    wpsn2: int = 0x000000FF

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
    def swap_banks(self) -> bool:
        return bool(self.optsr & reg.SWAP_BANK_OPT)

    def pcrop(self, bank: int, geometry: FlashGeometry) -> range:
        """Offsets of the execute-only (PCROP) area in a bank."""
        return _area(self.prar2 if bank else self.prar, geometry)

    def secure_area(self, bank: int, geometry: FlashGeometry) -> range:
        """Offsets of the secure-only area in a bank."""
        return _area(self.scar2 if bank else self.scar, geometry)

    def sector_protected(self, bank: int, group: int) -> bool:
        """``group`` counts as the bits of WPSN do: one or four sectors each."""
        return not (self.wpsn2 if bank else self.wpsn) >> group & 1

    def with_rdp(self, byte: int) -> OptionValues:
        return replace(self, optsr=self.optsr & ~(0xFF << reg.RDP_SHIFT) | byte << reg.RDP_SHIFT)

    def with_banks_exchanged(self) -> OptionValues:
        """What each bank's own registers say when the banks have changed places."""
        return replace(
            self,
            prar=self.prar2,
            scar=self.scar2,
            wpsn=self.wpsn2,
            prar2=self.prar,
            scar2=self.scar,
            wpsn2=self.wpsn,
        )


def _area(register: int, geometry: FlashGeometry) -> range:
    """Offsets in a bank: none when start > end, the whole bank when they are equal."""
    start, end = register & 0xFFF, register >> 16 & 0xFFF
    if start > end:
        return range(0)
    if start == end:
        return range(geometry.bank_size)
    return range(start * reg.AREA_UNIT, min((end + 1) * reg.AREA_UNIT, geometry.bank_size))


def factory_values(part: Part) -> OptionValues:
    """Beside WPSN an H72x's for all parts: nobody has given the others' (unconfirmed)."""
    return OptionValues(wpsn=part.factory_wpsn, wpsn2=part.factory_wpsn)


class OptionBytes:
    """The non-volatile store and the two register views of it.

    ``stored`` is what the cells hold, ``current`` what the chip obeys (_CUR), ``staged`` what OPTSTART programs (_PRG).
    A scenario presets them with ``preset`` before the unit gets power.
    """

    def __init__(self, part: Part = PARTS[DEFAULT_PART]) -> None:
        self.factory = factory_values(part)
        self._banks = part.geometry.banks
        self._geometry = part.geometry
        self.stored = self.factory
        self.current = self.factory
        self.staged = self.factory
        self.swapped = False
        """OPTCR.SWAP_BANK: what SWAP_BANK_OPT was at the last reset."""

    def preset(self, values: OptionValues) -> None:
        self.stored = values
        self.reload()

    def restage(self) -> None:
        """A system reset: what was staged and not programmed is forgotten. The cells are not read again."""
        self.staged = self.current

    def reload(self) -> None:
        """Power-on: both views come from the cells again."""
        self.current = self.stored
        self.staged = self.stored

    def take_swap(self) -> bool:
        """At a reset: whether the banks now change places. Their own option registers go with them."""
        wanted = self._banks > 1 and self.current.swap_banks
        if wanted == self.swapped:
            return False
        self.swapped = wanted
        self.stored = self.stored.with_banks_exchanged()
        self.reload()
        return True

    def commit(self, values: OptionValues) -> None:
        """A change has been programmed; _CUR follows at once."""
        self.stored = values
        self.current = values
        self.staged = values

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
        return not regression and any(self._pcrop_shrinks(bank) for bank in range(self._banks))

    def _pcrop_shrinks(self, bank: int) -> bool:
        old, new = (values.pcrop(bank, self._geometry) for values in (self.current, self.staged))
        return bool(old) and not (new and new.start <= old.start and new.stop >= old.stop)


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
    "boot": 0xFFFFFFFF,
    "optsr2": 0x00000007,
}
"""WPSN depends on the part."""

OF_EACH_BANK = ("prar", "scar", "wpsn")
