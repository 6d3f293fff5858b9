"""RCC registers and bits (RM0468 chapter 8; offsets and bits as in ST's device header). No code here."""

from __future__ import annotations

from typing import Final

BASE: Final = 0x58024400

CR: Final = 0x00
HSICFGR: Final = 0x04
CRRCR: Final = 0x08
CSICFGR: Final = 0x0C
CFGR: Final = 0x10
D1CFGR: Final = 0x18
D2CFGR: Final = 0x1C
D3CFGR: Final = 0x20
PLLCKSELR: Final = 0x28
PLLCFGR: Final = 0x2C
PLL1DIVR: Final = 0x30
PLL1FRACR: Final = 0x34
PLL2DIVR: Final = 0x38
PLL3DIVR: Final = 0x40
D2CCIP2R: Final = 0x54
D3CCIPR: Final = 0x58
BDCR: Final = 0x70
CSR: Final = 0x74
GCR: Final = 0xA0
RSR: Final = 0xD0
AHB3ENR: Final = 0xD4
AHB1ENR: Final = 0xD8
AHB2ENR: Final = 0xDC
AHB4ENR: Final = 0xE0
APB3ENR: Final = 0xE4
APB1LENR: Final = 0xE8
APB1HENR: Final = 0xEC
APB2ENR: Final = 0xF0
APB4ENR: Final = 0xF4
C1: Final = 0x130
"""RSR and what follows can be reached from here, too; ST's header of the H7Ax knows no other place for them."""

# CR
HSION: Final = 1 << 0
HSIRDY: Final = 1 << 2
HSIDIV_SHIFT: Final = 3
HSIDIVF: Final = 1 << 5
CSION: Final = 1 << 7
CSIRDY: Final = 1 << 8
HSI48ON: Final = 1 << 12
HSI48RDY: Final = 1 << 13
D1CKRDY: Final = 1 << 14
D2CKRDY: Final = 1 << 15
HSEON: Final = 1 << 16
HSERDY: Final = 1 << 17
PLL1ON: Final = 1 << 24
PLL1RDY: Final = 1 << 25
PLL2ON: Final = 1 << 26
PLL3ON: Final = 1 << 28
CR_WRITABLE: Final = 0x150D129B

# CFGR
SW_MASK: Final = 0x7
SWS_SHIFT: Final = 3
SW_HSI: Final = 0
SW_CSI: Final = 1
SW_HSE: Final = 2
SW_PLL1: Final = 3

TIMPRE: Final = 1 << 15

# BDCR
LSEON: Final = 1 << 0
LSERDY: Final = 1 << 1

# CSR
LSION: Final = 1 << 0
LSIRDY: Final = 1 << 1

# GCR
WW1RSC: Final = 1 << 0
"""Set once by software: without it the window watchdog resets nothing."""

# RSR
RMVF: Final = 1 << 16

# Enable bits
SRAM1EN: Final = 29  # AHB2ENR
SRAM2EN: Final = 30  # AHB2ENR
SRAM3EN: Final = 31  # AHB2ENR of the H74x
BKPRAMEN: Final = 28  # AHB4ENR
RTCAPBEN: Final = 16  # APB4ENR
SYSCFGEN: Final = 1  # APB4ENR

HSI_HZ: Final = 64_000_000
CSI_HZ: Final = 4_000_000
LSE_HZ: Final = 32_768
LSI_HZ: Final = 32_000
PLL_LOCK_NS: Final = 50_000
"""Typical lock time; the data sheet gives 15 to 50 us."""

RESET_VALUES: Final[dict[int, int]] = {
    CR: HSION | HSIRDY | HSIDIVF,
    HSICFGR: 0x40000000,
    CSICFGR: 0x20000000,
    PLLCKSELR: 0x02020200,
    PLLCFGR: 0x01FF0000,
    PLL1DIVR: 0x01010280,
    PLL2DIVR: 0x01010280,
    PLL3DIVR: 0x01010280,
    APB4ENR: 1 << RTCAPBEN,
}
