"""Reset values of the quiet peripherals, and the flags their drivers wait for. No code.

RM0433 and RM0468, register descriptions: only what differs from zero. ``ready`` is what a driver's polling loop asks
for: a transfer without a partner ends as one to an address where nobody answers, a card command with its time-out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True)
class Registers:
    """Rules for the registers of one kind of peripheral, by offset."""

    reset: dict[int, int] = field(default_factory=dict[int, int])
    ready: dict[int, int] = field(default_factory=dict[int, int])
    """Bits that always read as one."""
    self_clearing: dict[int, int] = field(default_factory=dict[int, int])
    """Bits that hardware clears when it has done what they ask for: at once."""
    read_only: frozenset[int] = frozenset()
    cleared_by_ones: frozenset[int] = frozenset()


_DMA_FIFO: Final = dict.fromkeys(range(0x24, 0xD0, 0x18), 0x21)
_FMC_TIMES: Final = dict.fromkeys((0x04, 0x0C, 0x14, 0x1C, 0x104, 0x10C, 0x114, 0x11C, 0x148, 0x14C), 0x0FFFFFFF)

REGISTERS: Final[dict[str, Registers]] = {
    "ADC": Registers(
        # ADRDY, EOSMP, EOC, EOS, LDORDY; ADCAL, ADDIS and the start bits.
        reset={0x08: 0x20000000, 0x0C: 0x80000000, 0x108: 0x20000000, 0x10C: 0x80000000},
        ready={0x00: 0x100F, 0x100: 0x100F},
        self_clearing={0x08: 0x8000003E, 0x108: 0x8000003E},
        read_only=frozenset({0x00, 0x40, 0x100, 0x140}),
    ),
    "CORDIC": Registers(ready={0x00: 1 << 31}),
    "CRS": Registers(reset={0x04: 0x2022BB7F}),
    "DLYB_OCTOSPI": Registers(ready={0x04: 1 << 31}),
    "DLYB_QSPI": Registers(ready={0x04: 1 << 31}),
    "DLYB_SDMMC": Registers(ready={0x04: 1 << 31}),
    "DMA": Registers(reset=_DMA_FIFO),
    "ETH": Registers(self_clearing={0x200: 1, 0x1000: 1}, cleared_by_ones=frozenset({0x1160})),
    "EXTI": Registers(reset={0x80: 0xFFC00000}, cleared_by_ones=frozenset({0x88, 0x98, 0xA8})),
    "FDCAN": Registers(
        reset={
            0x00: 0x32141218,
            0x04: 0x87654321,
            0x0C: 0x00000A33,
            0x18: 0x00000001,
            0x1C: 0x06000A03,
            0x28: 0xFFFF0000,
            0x2C: 0x0000FFFF,
            0x44: 0x00000707,
            0x90: 0x1FFFFFFF,
        },
        read_only=frozenset({0x00, 0x04}),
        cleared_by_ones=frozenset({0x50}),
    ),
    "FMC": Registers(
        reset={
            0x00: 0x000030DB,
            0x08: 0x000030D2,
            0x10: 0x000030D2,
            0x18: 0x000030D2,
            0x80: 0x00000018,
            0x84: 0x00000040,
            0x88: 0xFCFCFCFC,
            0x8C: 0xFCFCFCFC,
            0x140: 0x000002D0,
            0x144: 0x000002D0,
        }
        | _FMC_TIMES
    ),
    # A partner that does not acknowledge: TXE, NACKF, STOPF; START and STOP are done at once.
    "I2C": Registers(reset={0x18: 0x00000001}, ready={0x18: 0x31}, self_clearing={0x04: 0x6000}),
    # CMPOK, ARROK.
    "LPTIM": Registers(reset={0x18: 0x00000001}, ready={0x00: 0x18}),
    "LTDC": Registers(reset={0x18: 0x00002220}, self_clearing={0x24: 1}),
    "OCTOSPI": Registers(ready={0x20: 0x06}, self_clearing={0x00: 0x02}),
    "OCTOSPIM": Registers(reset={0x04: 0x03010111, 0x08: 0x07050333}),
    # The core's identity, FIFO sizes, AHB idle; resets and flushes of the FIFOs are done at once.
    "OTG_FS": Registers(
        reset={0x0C: 0x00001440, 0x14: 0x04000020, 0x24: 0x00000400, 0x28: 0x02000400, 0x3C: 0x00002300},
        ready={0x10: 1 << 31},
        self_clearing={0x10: 0x37},
        read_only=frozenset({0x40}),
        cleared_by_ones=frozenset({0x04, 0x14, *range(0x908, 0xA28, 0x20), *range(0xB08, 0xC28, 0x20)}),
    ),
    # TCF and FTF; ABORT.
    "QUADSPI": Registers(ready={0x08: 0x06}, self_clearing={0x00: 0x02}),
    # ALRAWF, ALRBWF, WUTWF, RSF.
    "RTC": Registers(
        reset={0x04: 0x00002101, 0x0C: 0x00000007, 0x10: 0x007F00FF, 0x14: 0x0000FFFF}, ready={0x0C: 0x27}
    ),
    # CTIMEOUT and CMDSENT: no card.
    "SDMMC": Registers(ready={0x34: 0x84}),
    # RXP, TXP, DXP, EOT, TXC; nothing drives MISO. CSTART.
    "SPI": Registers(
        reset={0x08: 0x00070007, 0x40: 0x00000107},
        ready={0x14: 0x100F},
        self_clearing={0x00: 1 << 9},
        read_only=frozenset({0x14}),
    ),
    "SWPMI": Registers(reset={0x04: 0x00000001, 0x0C: 0x000002C2}),
    "VREFBUF": Registers(reset={0x00: 0x00000002}, ready={0x00: 0x08}),
}
REGISTERS["OTG_HS"] = REGISTERS["OTG_FS"]
