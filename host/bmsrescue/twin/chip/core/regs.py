"""Register addresses and bits of the Cortex-M7's private peripheral bus.

Source: ARMv7-M Architecture Reference Manual (DDI0403E) part B3 (system control space, SysTick, NVIC) and part C1
(debug: DHCSR, DWT, FPB); Cortex-M7 TRM (DDI0489) for identification values. No code here.
"""

from __future__ import annotations

from typing import Final

PPB_START: Final = 0xE0000000
PPB_SIZE: Final = 0x00100000

# Blocks (B3.1, C1.1)
ITM_BASE: Final = 0xE0000000
DWT_BASE: Final = 0xE0001000
FPB_BASE: Final = 0xE0002000
SCS_BASE: Final = 0xE000E000
CORE_ROM_BASE: Final = 0xE00FF000
CHIP_ROM_BASE: Final = 0xE00FE000
ETM_BASE: Final = 0xE0041000
CTI_BASE: Final = 0xE0043000

# SysTick (B3.3)
SYST_CSR: Final = 0xE000E010
SYST_RVR: Final = 0xE000E014
SYST_CVR: Final = 0xE000E018
SYST_CALIB: Final = 0xE000E01C
SYST_ENABLE: Final = 1 << 0
SYST_TICKINT: Final = 1 << 1
SYST_CLKSOURCE: Final = 1 << 2
SYST_COUNTFLAG: Final = 1 << 16

# NVIC (B3.4)
NVIC_ISER: Final = 0xE000E100
NVIC_ICER: Final = 0xE000E180
NVIC_ISPR: Final = 0xE000E200
NVIC_ICPR: Final = 0xE000E280
NVIC_IABR: Final = 0xE000E300
NVIC_IPR: Final = 0xE000E400
NVIC_LINES: Final = 192
"""Interrupt lines provided here: as many as ICTR says; an H72x has 163 of them (RM0468, NVIC table)."""

FPCCR: Final = 0xE000EF34
FPCCR_ASPEN: Final = 1 << 31

# System control block (B3.2)
CPUID: Final = 0xE000ED00
ICSR: Final = 0xE000ED04
VTOR: Final = 0xE000ED08
AIRCR: Final = 0xE000ED0C
SCR: Final = 0xE000ED10
CCR: Final = 0xE000ED14
SHPR1: Final = 0xE000ED18
SHCSR: Final = 0xE000ED24
CFSR: Final = 0xE000ED28
HFSR: Final = 0xE000ED2C
DFSR: Final = 0xE000ED30
MMFAR: Final = 0xE000ED34
BFAR: Final = 0xE000ED38
AFSR: Final = 0xE000ED3C
CPACR: Final = 0xE000ED88
ABFSR: Final = 0xE000EFA8

ICSR_PENDSTCLR: Final = 1 << 25
ICSR_PENDSTSET: Final = 1 << 26
ICSR_PENDSVCLR: Final = 1 << 27
ICSR_PENDSVSET: Final = 1 << 28

AIRCR_READ_KEY: Final = 0xFA05
AIRCR_WRITE_KEY: Final = 0x05FA
AIRCR_VECTRESET: Final = 1 << 0
AIRCR_VECTCLRACTIVE: Final = 1 << 1
AIRCR_SYSRESETREQ: Final = 1 << 2
AIRCR_PRIGROUP: Final = 7 << 8

SCR_SLEEPDEEP: Final = 1 << 2

CCR_RESET: Final = 0x00040200
"""STKALIGN and BP read as one on the M7 (DDI0489 table 3-1)."""
CCR_WRITABLE: Final = 0x0003031B
CCR_DIV_0_TRP: Final = 1 << 4

SHCSR_MEMFAULTENA: Final = 1 << 16
SHCSR_BUSFAULTENA: Final = 1 << 17
SHCSR_USGFAULTENA: Final = 1 << 18

CFSR_IACCVIOL: Final = 1 << 0
CFSR_DACCVIOL: Final = 1 << 1
CFSR_MMARVALID: Final = 1 << 7
CFSR_IBUSERR: Final = 1 << 8
CFSR_PRECISERR: Final = 1 << 9
CFSR_UNSTKERR: Final = 1 << 11
CFSR_STKERR: Final = 1 << 12
CFSR_BFARVALID: Final = 1 << 15
CFSR_UNDEFINSTR: Final = 1 << 16
CFSR_INVSTATE: Final = 1 << 17
CFSR_INVPC: Final = 1 << 18
CFSR_NOCP: Final = 1 << 19
CFSR_UNALIGNED: Final = 1 << 24
CFSR_DIVBYZERO: Final = 1 << 25

HFSR_VECTTBL: Final = 1 << 1
HFSR_FORCED: Final = 1 << 30
HFSR_DEBUGEVT: Final = 1 << 31

# Debug (C1.6)
DHCSR: Final = 0xE000EDF0
DCRSR: Final = 0xE000EDF4
DCRDR: Final = 0xE000EDF8
DEMCR: Final = 0xE000EDFC

DHCSR_KEY: Final = 0xA05F
C_DEBUGEN: Final = 1 << 0
C_HALT: Final = 1 << 1
C_STEP: Final = 1 << 2
C_MASKINTS: Final = 1 << 3
C_SNAPSTALL: Final = 1 << 5
S_REGRDY: Final = 1 << 16
S_HALT: Final = 1 << 17
S_SLEEP: Final = 1 << 18
S_LOCKUP: Final = 1 << 19
S_RETIRE_ST: Final = 1 << 24
S_RESET_ST: Final = 1 << 25

DCRSR_WRITE: Final = 1 << 16

DFSR_HALTED: Final = 1 << 0
DFSR_BKPT: Final = 1 << 1
DFSR_DWTTRAP: Final = 1 << 2
DFSR_VCATCH: Final = 1 << 3
DFSR_EXTERNAL: Final = 1 << 4

VC_CORERESET: Final = 1 << 0
VC_MMERR: Final = 1 << 4
VC_NOCPERR: Final = 1 << 5
VC_CHKERR: Final = 1 << 6
VC_STATERR: Final = 1 << 7
VC_BUSERR: Final = 1 << 8
VC_INTERR: Final = 1 << 9
VC_HARDERR: Final = 1 << 10
TRCENA: Final = 1 << 24
DEMCR_WRITABLE: Final = 0x010F07F1
DEMCR_RESET_BY_SYSTEM: Final = 0x000F0000
"""MON_EN, MON_PEND, MON_STEP, MON_REQ belong to the core and fall with a system reset; the rest is the debugger's."""

# DWT (C1.8)
DWT_CTRL: Final = 0xE0001000
DWT_CYCCNT: Final = 0xE0001004
DWT_EXCCNT: Final = 0xE000100C
DWT_PCSR: Final = 0xE000101C
DWT_COMP0: Final = 0xE0001020
DWT_CTRL_FIXED: Final = 0x40000000
"""Four comparators; trace, cycle counter and profiling counters present."""
DWT_CYCCNTENA: Final = 1 << 0
DWT_EXCEVTENA: Final = 1 << 18
DWT_COMPARATORS: Final = 4

# FPB revision 2 (C1.11)
FP_CTRL: Final = 0xE0002000
FP_REMAP: Final = 0xE0002004
FP_COMP0: Final = 0xE0002008
FP_COMPARATORS: Final = 8
FP_CTRL_FIXED: Final = 0x10000180
"""Revision 2, eight code comparators, one literal one, which only keeps what is written."""
FP_CTRL_ENABLE: Final = 1 << 0
FP_CTRL_KEY: Final = 1 << 1

# Exception numbers (B1.5.2)
EXC_RESET: Final = 1
EXC_NMI: Final = 2
EXC_HARDFAULT: Final = 3
EXC_MEMMANAGE: Final = 4
EXC_BUSFAULT: Final = 5
EXC_USAGEFAULT: Final = 6
EXC_SVCALL: Final = 11
EXC_PENDSV: Final = 14
EXC_SYSTICK: Final = 15
EXC_FIRST_IRQ: Final = 16

IDENTIFICATION: Final[dict[int, int]] = {
    0xE000E004: 0x00000005,  # ICTR: up to 192 lines
    0xE000ED40: 0x00000030,  # ID_PFR0
    0xE000ED44: 0x00000200,  # ID_PFR1
    0xE000ED48: 0x00100000,  # ID_DFR0
    0xE000ED4C: 0x00000000,  # ID_AFR0
    0xE000ED50: 0x00100030,  # ID_MMFR0
    0xE000ED54: 0x00000000,  # ID_MMFR1
    0xE000ED58: 0x01000000,  # ID_MMFR2
    0xE000ED5C: 0x00000000,  # ID_MMFR3
    0xE000ED60: 0x01101110,  # ID_ISAR0
    0xE000ED64: 0x02112000,  # ID_ISAR1
    0xE000ED68: 0x20232231,  # ID_ISAR2
    0xE000ED6C: 0x01111131,  # ID_ISAR3
    0xE000ED70: 0x01310132,  # ID_ISAR4
    0xE000ED78: 0x09000003,  # CLIDR: separate level 1 instruction and data caches
    0xE000ED7C: 0x8303C003,  # CTR
    0xE000ED90: 0x00001000,  # MPU_TYPE: 16 regions
    0xE000EF40: 0x10110221,  # MVFR0: single and double precision
    0xE000EF44: 0x12000011,  # MVFR1
    0xE000EF48: 0x00000040,  # MVFR2
}
"""Read-only words a debugger looks at (DDI0489 tables 3-1, 3-2 and 9-1)."""

CSSELR: Final = 0xE000ED84
CCSIDR: Final = 0xE000ED80
CCSIDR_OF_CACHES: Final[dict[int, tuple[int, int]]] = {16: (0xF00FE019, 0xF01FE009), 32: (0xF01FE019, 0xF03FE009)}
"""Data cache (4 ways) and instruction cache (2 ways) of so many KiB each; lines of 32 bytes."""
ICIALLU: Final = 0xE000EF50
ICIMVAU: Final = 0xE000EF58
