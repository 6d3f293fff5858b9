"""Register blocks that only keep what is written: SYSCFG."""

from __future__ import annotations

from typing import Final

from .register_block import StoredRegisters

SYSCFG_BASE: Final = 0x58000400
SYSCFG_PKGR: Final = 0x124
PACKAGE_LQFP100_SMPS: Final = 2
"""SYSCFG_PKGR of the VGT6 (docs/reference/chip.md#package)."""
_SYSCFG_WRITABLE: Final = {0x04: 0x0F000FFF, 0x08: 0xFFFF, 0x0C: 0xFFFF, 0x10: 0xFFFF, 0x14: 0xFFFF, 0x18: 0xFFFF}


def make_syscfg() -> StoredRegisters:
    """RM0468 chapter 12."""
    return StoredRegisters(SYSCFG_BASE, _SYSCFG_WRITABLE, {SYSCFG_PKGR: PACKAGE_LQFP100_SMPS})
