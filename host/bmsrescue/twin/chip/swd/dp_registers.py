"""Debug port registers (Arm IHI 0031, ADIv5.2, section B2.2; DPIDR: docs/reference/chip.md#dpidr)."""

from __future__ import annotations

from typing import Final

# Register numbers as they stand in a request: A[3:2].
DPIDR_ABORT: Final = 0
CTRL_STAT: Final = 1
RESEND_SELECT: Final = 2
RDBUFF_TARGETSEL: Final = 3

# Banks of register 0x4, chosen by SELECT.DPBANKSEL.
BANK_CTRL_STAT: Final = 0
BANK_DLCR: Final = 1
BANK_TARGETID: Final = 2
BANK_DLPIDR: Final = 3

DLPIDR_VALUE: Final = 0x00000001

# ABORT
DAPABORT: Final = 1 << 0
STKCMPCLR: Final = 1 << 1
STKERRCLR: Final = 1 << 2
WDERRCLR: Final = 1 << 3
ORUNERRCLR: Final = 1 << 4

# CTRL/STAT
ORUNDETECT: Final = 1 << 0
STICKYORUN: Final = 1 << 1
TRNMODE_SHIFT: Final = 2
STICKYCMP: Final = 1 << 4
STICKYERR: Final = 1 << 5
READOK: Final = 1 << 6
WDATAERR: Final = 1 << 7
MASKLANE_SHIFT: Final = 8
CDBGRSTREQ: Final = 1 << 26
CDBGPWRUPREQ: Final = 1 << 28
CDBGPWRUPACK: Final = 1 << 29
CSYSPWRUPREQ: Final = 1 << 30
CSYSPWRUPACK: Final = 1 << 31
STICKY: Final = STICKYORUN | STICKYCMP | STICKYERR | WDATAERR
CTRL_WRITABLE: Final = 0x54FFFF0D
"""ORUNDETECT, TRNMODE, MASKLANE, TRNCNT and the three requests."""

DLCR_TURNROUND_SHIFT: Final = 8
DLCR_RESET: Final = 0x00000040
"""Bit 6 reads as one."""
