"""MEM-AP registers (Arm IHI 0031, ADIv5.2, chapter C2; H72x values: docs/reference/chip.md#ap-list)."""

from __future__ import annotations

from typing import Final

CSW: Final = 0x00
TAR: Final = 0x04
DRW: Final = 0x0C
BD0: Final = 0x10
BD3: Final = 0x1C
CFG: Final = 0xF4
BASE: Final = 0xF8
IDR: Final = 0xFC

CSW_SIZE: Final = 0x7
CSW_ADDR_INC_SHIFT: Final = 4
CSW_DEVICE_EN: Final = 1 << 6
CSW_TR_IN_PROG: Final = 1 << 7
CSW_SPIDEN: Final = 1 << 23
CSW_DBG_SW_ENABLE: Final = 1 << 31
INC_OFF: Final = 0
INC_SINGLE: Final = 1
INC_PACKED: Final = 2
CSW_AHB_WRITABLE: Final = 0x7F000037
"""Size, AddrInc, HPROT, MasterType, SPROT."""
CSW_APB_WRITABLE: Final = 0x80000030
"""AddrInc and DbgSwEnable; an APB-AP moves words only."""
CSW_AHB_RESET: Final = 0x43000042
CSW_APB_RESET: Final = 0x80000042

AP0_IDR: Final = 0x84770001
AP0_BASE: Final = 0xE00FE003
NO_BASE: Final = 0x00000002
"""BASE of an AP without a ROM table, in the format of ADIv5."""
