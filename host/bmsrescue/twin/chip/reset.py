"""Kinds of reset, and what each of them clears.

Sources: docs/reference/chip.md#rsr, #debug-enables-stay, #cr3-once, #bor.
"""

from __future__ import annotations

from typing import Final, Literal

ResetKind = Literal["power", "bor", "pin", "software", "iwdg", "wwdg", "lowpower"]

RSR_PATTERN: Final[dict[ResetKind, int]] = {
    "power": 0x00FA0000,
    "bor": 0x00620000,
    "pin": 0x00420000,
    "software": 0x01420000,
    "iwdg": 0x04420000,
    "wwdg": 0x10420000,
    "lowpower": 0x40420000,
}
"""The flags each kind sets in RCC_RSR; they accumulate until RMVF."""

BOR_THRESHOLDS_MV: Final[dict[int, tuple[int, int]]] = {1: (2100, 2000), 2: (2410, 2310), 3: (2700, 2610)}
"""By OPTSR.BOR_LEV: (rising, falling), the middle of the data sheet's span. Level 0 leaves it to the power-on reset."""


def clears_power_domain(kind: ResetKind, *, bor_is_power_reset: bool) -> bool:
    """Whether it clears what only a power-on reset clears: PWR_CR3's write-once lock, DBGMCU, C_DEBUGEN, DEMCR."""
    return kind == "power" or (kind == "bor" and bor_is_power_reset)
