"""The clock tree's arithmetic, from RCC's registers to frequencies in Hz (RM0468 section 8.5)."""

from __future__ import annotations

from typing import NamedTuple

from bmsrescue.twin.chip import rcc_registers as reg

_HPRE = (1, 2, 4, 8, 16, 64, 128, 256, 512)
_PLLS = ((4, reg.PLL1DIVR, 0), (12, reg.PLL2DIVR, 4), (20, reg.PLL3DIVR, 8))
"""Shift of DIVM in PLLCKSELR, the dividers' register (FRACR behind it), shift of FRACEN in PLLCFGR."""
P, Q, R = 9, 16, 24
"""Shift of an output's divider."""

Registers = dict[int, int]


class Frequencies(NamedTuple):
    core: int
    pclk1: int
    pclk2: int
    pclk3: int
    pclk4: int
    timer1: int
    """Of the timers on APB1."""
    timer2: int
    """Of those on APB2."""


def from_sysclk(sysclk: int, registers: Registers) -> Frequencies:
    """What the prescalers of the three domains make of SYSCLK."""
    d1 = registers.get(reg.D1CFGR, 0)
    d2 = registers.get(reg.D2CFGR, 0)
    core = sysclk // _ahb_divider(d1 >> 8)
    hclk = core // _ahb_divider(d1)
    apb1, apb2 = _apb_divider(d2 >> 4), _apb_divider(d2 >> 8)
    factor = 4 if registers.get(reg.CFGR, 0) & reg.TIMPRE else 2
    return Frequencies(
        core,
        hclk // apb1,
        hclk // apb2,
        hclk // _apb_divider(d1 >> 4),
        hclk // _apb_divider(registers.get(reg.D3CFGR, 0) >> 4),
        hclk * min(factor, apb1) // apb1,
        hclk * min(factor, apb2) // apb2,
    )


def hsi_hz(registers: Registers) -> int:
    return reg.HSI_HZ >> (registers.get(reg.CR, 0) >> reg.HSIDIV_SHIFT & 3)


def pll_hz(registers: Registers, number: int, output: int, crystal_hz: int) -> int:
    """Output ``P``, ``Q`` or ``R`` of PLL 1, 2 or 3 once it has locked; 0 where its input is off."""
    shift, register, fraction_shift = _PLLS[number - 1]
    select = registers[reg.PLLCKSELR]
    source = (hsi_hz(registers), reg.CSI_HZ, crystal_hz, 0)[select & 3]
    prescaler = select >> shift & 0x3F
    dividers = registers[register]
    multiply = ((dividers & 0x1FF) + 1) << 13
    if registers[reg.PLLCFGR] >> fraction_shift & 1:
        multiply += registers.get(register + 4, 0) >> 3 & 0x1FFF
    divide = ((dividers >> output & 0x7F) + 1) << 13
    return source * multiply // (prescaler * divide) if prescaler else 0


def _ahb_divider(field: int) -> int:
    field &= 0xF
    return _HPRE[field - 7] if field >= 8 else 1


def _apb_divider(field: int) -> int:
    field &= 0x7
    return 2 << (field - 4) if field >= 4 else 1
