"""Flash controller registers of the STM32H7 (RM0468, RM0433 4.9; RM0455).

A second bank has its own KEYR, CR, SR, CCR, PRAR, SCAR, WPSN, CRC and ECC_FA registers 0x100 further on; the others are
seen at both places. What differs between the dies in CR and SR is in ``dies.ControlBits``.
"""

from __future__ import annotations

from typing import Final

FLASH_BASE: Final = 0x52002000
FLASH_SIZE: Final = 0x400
BANK_STEP: Final = 0x100

ACR: Final = 0x00
KEYR: Final = 0x04
OPTKEYR: Final = 0x08
CR: Final = 0x0C
SR: Final = 0x10
CCR: Final = 0x14
OPTCR: Final = 0x18
OPTSR_CUR: Final = 0x1C
OPTSR_PRG: Final = 0x20
OPTCCR: Final = 0x24
PRAR_CUR: Final = 0x28
PRAR_PRG: Final = 0x2C
SCAR_CUR: Final = 0x30
SCAR_PRG: Final = 0x34
WPSN_CUR: Final = 0x38
WPSN_PRG: Final = 0x3C
BOOT_CUR: Final = 0x40
BOOT_PRG: Final = 0x44
CRCCR: Final = 0x50
CRCSADD: Final = 0x54
CRCEADD: Final = 0x58
CRCDATA: Final = 0x5C
ECC_FA: Final = 0x60
OPTSR2_CUR: Final = 0x70
OPTSR2_PRG: Final = 0x74

KEY1: Final = 0x45670123
KEY2: Final = 0xCDEF89AB
OPTION_KEY1: Final = 0x08192A3B
OPTION_KEY2: Final = 0x4C5D6E7F

ACR_MASK: Final = 0x0000003F

# CR
LOCK: Final = 1 << 0
PG: Final = 1 << 1
SER: Final = 1 << 2
BER: Final = 1 << 3
CRC_EN: Final = 1 << 15

# SR
BSY: Final = 1 << 0
WBNE: Final = 1 << 1
QW: Final = 1 << 2
CRC_BUSY: Final = 1 << 3
EOP: Final = 1 << 16
WRPERR: Final = 1 << 17
PGSERR: Final = 1 << 18
STRBERR: Final = 1 << 19
INCERR: Final = 1 << 21
OPERR: Final = 1 << 22
RDPERR: Final = 1 << 23
RDSERR: Final = 1 << 24
SNECCERR: Final = 1 << 25
DBECCERR: Final = 1 << 26
CRCEND: Final = 1 << 27
CRCRDERR: Final = 1 << 28

# CRCCR
CRC_SECT: Final = 0x7
CRC_BY_SECT: Final = 1 << 8
ADD_SECT: Final = 1 << 9
CLEAN_SECT: Final = 1 << 10
START_CRC: Final = 1 << 16
CLEAN_CRC: Final = 1 << 17
CRC_BURST_SHIFT: Final = 20
ALL_BANK: Final = 1 << 22
CRCCR_RESET: Final = 0x001C0000
CRCCR_KEPT: Final = 0x003C0107
CRC_ADDRESS_MASK: Final = 0x000FFFFC

# OPTCR
OPTLOCK: Final = 1 << 0
OPTSTART: Final = 1 << 1
MER: Final = 1 << 4
OPTCHANGEERRIE: Final = 1 << 30
SWAP_BANK: Final = 1 << 31

# OPTSR
OPT_BUSY: Final = 1 << 0
BOR_LEV_SHIFT: Final = 2
IWDG1_SW: Final = 1 << 4
NRST_STOP_D1: Final = 1 << 6
NRST_STBY_D1: Final = 1 << 7
RDP_SHIFT: Final = 8
IWDG_FZ_STOP: Final = 1 << 17
IWDG_FZ_SDBY: Final = 1 << 18
SECURITY: Final = 1 << 21
OPTCHANGEERR: Final = 1 << 30
SWAP_BANK_OPT: Final = 1 << 31

RDP_LEVEL_0: Final = 0xAA
RDP_LEVEL_2: Final = 0xCC
DMEP: Final = 1 << 31
DMES: Final = 1 << 31
AREA_UNIT: Final = 256
"""PCROP and secure areas are given in units of 256 bytes."""
