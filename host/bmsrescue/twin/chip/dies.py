"""What differs between the dies of the family, as data: identity, flash, memories, resets.

Sources: docs/reference/chip.md#family-differences; ST's device headers for register offsets, bits and memories
(stm32h725xx.h, stm32h743xx.h, stm32h7a3xx.h); OpenOCD's stm32h7x driver for what is marked so. Not confirmed on
silicon, nor read in a reference manual: the factory option bytes of the H74x and H7Ax (taken from the H72x), flash
times of the H7Ax, and where its bootloader starts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bmsrescue.twin.chip import rcc_registers as rcc

_KIB: Final = 1024

CORTEX_M7_R1P1: Final = 0x411FC271
CORTEX_M7_R1P2: Final = 0x411FC272

Span = tuple[int, int]
"""Typical and longest time in microseconds."""


@dataclass(frozen=True)
class Ram:
    """One RAM. ``clock`` names RCC's enable bit where it has one: (register offset, bit); off after reset."""

    name: str
    start: int
    size: int
    clock: tuple[int, int] | None = None


@dataclass(frozen=True)
class FlashTimes:
    """By PSIZE (x8, x16, x32, x64); a die without PSIZE has one entry. ``supply_ua`` is drawn meanwhile."""

    program_us: tuple[Span, ...]
    sector_erase_us: tuple[Span, ...]
    bank_erase_us: tuple[Span, ...]
    supply_ua: tuple[int, ...]


@dataclass(frozen=True)
class ControlBits:
    """Where the bits of a bank's CR are, which of CR and SR exist, and the reset values of CR and ACR."""

    force_write: int
    start: int
    sector_shift: int
    sector_mask: int
    psize_shift: int | None
    kept: int
    """What of CR stays as written: neither LOCK nor the self-clearing FW and START."""
    flags: int
    """The flags of SR, with those of CCR at the same places."""
    reset: int
    acr_reset: int


@dataclass(frozen=True)
class Die:
    """One die. Sizes in bytes unless the name says otherwise."""

    name: str
    manual: str
    device_id: int
    revision_id: int
    """REV_ID of a current revision."""
    cpuid: int
    cache_kib: int
    """Of the data cache, and of the instruction cache."""
    idc_reserved: int
    """What bits 15:12 of DBGMCU_IDC read, which no document names."""
    sector_size: int
    word_size: int
    bank_size: int
    banks: int
    control: ControlBits
    times: FlashTimes
    protect_sectors: int
    """Sectors per bit of WPSN."""
    has_optsr2: bool
    unique_id: int
    flash_size: int
    part_name: int | None
    """Address of the part's name in ASCII."""
    calibration: dict[int, int]
    """Sensor calibration halfwords by address."""
    rams: tuple[Ram, ...]
    blocks: str
    """Which of ``peripherals.blocks`` it has."""
    reset_flags: int
    """The flags of RCC_RSR that exist."""
    vos_reset: int
    vos_mv: tuple[int, int, int, int]
    """VCORE by the VOS field of D3CR (SRDCR on the H7Ax), typical."""


_TCMS: Final = (Ram("ITCM", 0x00000000, 64 * _KIB), Ram("DTCM", 0x20000000, 128 * _KIB))
_BACKUP: Final = Ram("BKPRAM", 0x38800000, 4 * _KIB, clock=(rcc.AHB4ENR, rcc.BKPRAMEN))

_FOUR_WIDTHS: Final = ControlBits(
    force_write=1 << 6,
    start=1 << 7,
    sector_shift=8,
    sector_mask=0x7,
    psize_shift=4,
    kept=0x1FEF873E,
    flags=0x1FEF0000,
    reset=0x00000031,
    acr_reset=0x00000037,
)
_NO_WIDTHS: Final = ControlBits(
    force_write=1 << 4,
    start=1 << 5,
    sector_shift=6,
    sector_mask=0x7F,
    psize_shift=None,
    kept=0x1FAF9FCE,
    flags=0x1FAF0000,
    reset=0x00000001,
    acr_reset=0x00000013,
)

_TIMES_128K: Final = FlashTimes(
    # DS13313 and DS12110, flash memory characteristics (docs/reference/chip.md#flash-times).
    program_us=((290, 580), (180, 360), (130, 260), (100, 200)),
    sector_erase_us=((2_000_000, 4_000_000), (1_800_000, 3_600_000), (1_100_000, 2_200_000), (1_000_000, 2_000_000)),
    bank_erase_us=((13_000_000, 26_000_000), (8_000_000, 16_000_000), (6_000_000, 12_000_000), (5_000_000, 10_000_000)),
    supply_ua=(6_500, 11_500, 20_000, 35_000),
)
_TIMES_8K: Final = FlashTimes(
    # No data sheet at hand: the order of magnitude of ST's flashes with 8 KiB sectors. Nothing may depend on them.
    program_us=((50, 100),),
    sector_erase_us=((10_000, 20_000),),
    bank_erase_us=((200_000, 400_000),),
    supply_ua=(10_000,),
)

_VOS_H7: Final = (1360, 1000, 1100, 1210)
"""0: VOS0, 1: VOS3, 2: VOS2, 3: VOS1 (the H74x has no 0)."""
_TS_SYSTEM_MEMORY: Final = {0x1FF1E820: 768, 0x1FF1E840: 1022, 0x1FF1E860: 1509}

H72X: Final = Die(
    name="STM32H72x/73x",
    manual="RM0468",
    device_id=0x483,
    revision_id=0x1001,
    cpuid=CORTEX_M7_R1P2,
    cache_kib=32,
    idc_reserved=0x6000,
    sector_size=128 * _KIB,
    word_size=32,
    bank_size=1024 * _KIB,
    banks=1,
    control=_FOUR_WIDTHS,
    times=_TIMES_128K,
    protect_sectors=1,
    has_optsr2=True,
    unique_id=0x1FF1E800,
    flash_size=0x1FF1E880,
    part_name=0x1FF1E8C0,
    calibration=_TS_SYSTEM_MEMORY,
    rams=(
        *_TCMS,
        Ram("AXISRAM", 0x24000000, 320 * _KIB),
        Ram("SRAM1", 0x30000000, 16 * _KIB, clock=(rcc.AHB2ENR, rcc.SRAM1EN)),
        Ram("SRAM2", 0x30004000, 16 * _KIB, clock=(rcc.AHB2ENR, rcc.SRAM2EN)),
        Ram("SRAM4", 0x38000000, 16 * _KIB),
        _BACKUP,
    ),
    blocks="2",
    reset_flags=0x55FA0000,
    vos_reset=1,
    vos_mv=_VOS_H7,
)

H74X: Final = Die(
    name="STM32H74x/75x",
    manual="RM0433",
    device_id=0x450,
    revision_id=0x2003,
    cpuid=CORTEX_M7_R1P1,
    cache_kib=16,
    idc_reserved=0x6000,
    sector_size=128 * _KIB,
    word_size=32,
    bank_size=1024 * _KIB,
    banks=2,
    control=_FOUR_WIDTHS,
    times=_TIMES_128K,
    protect_sectors=1,
    has_optsr2=False,
    unique_id=0x1FF1E800,
    flash_size=0x1FF1E880,
    part_name=0x1FF1E8C0,
    calibration={0x1FF1E820: 12272, 0x1FF1E840: 16352, 0x1FF1E860: 24144},
    rams=(
        *_TCMS,
        Ram("AXISRAM", 0x24000000, 512 * _KIB),
        Ram("SRAM1", 0x30000000, 128 * _KIB, clock=(rcc.AHB2ENR, rcc.SRAM1EN)),
        Ram("SRAM2", 0x30020000, 128 * _KIB, clock=(rcc.AHB2ENR, rcc.SRAM2EN)),
        Ram("SRAM3", 0x30040000, 32 * _KIB, clock=(rcc.AHB2ENR, rcc.SRAM3EN)),
        Ram("SRAM4", 0x38000000, 64 * _KIB),
        _BACKUP,
    ),
    blocks="4",
    reset_flags=0x55FA0000,
    vos_reset=1,
    vos_mv=_VOS_H7,
)

H7AX: Final = Die(
    name="STM32H7Ax/7Bx",
    manual="RM0455",
    device_id=0x480,
    revision_id=0x1000,
    cpuid=CORTEX_M7_R1P2,
    cache_kib=16,
    idc_reserved=0x6000,
    sector_size=8 * _KIB,
    word_size=16,
    bank_size=1024 * _KIB,
    banks=2,
    control=_NO_WIDTHS,
    times=_TIMES_8K,
    protect_sectors=4,
    has_optsr2=False,
    unique_id=0x08FFF800,
    flash_size=0x08FFF80C,
    part_name=None,
    calibration={0x08FFF814: 768, 0x08FFF818: 1022},
    rams=(
        *_TCMS,
        Ram("AXISRAM", 0x24000000, 1024 * _KIB),
        Ram("SRAM1", 0x30000000, 64 * _KIB, clock=(rcc.AHB2ENR, rcc.SRAM1EN)),
        Ram("SRAM2", 0x30010000, 64 * _KIB, clock=(rcc.AHB2ENR, rcc.SRAM2EN)),
        Ram("SRAM4", 0x38000000, 32 * _KIB),
        _BACKUP,
    ),
    blocks="A",
    # CPURSTF and D2RSTF are the other dies'; bit 19 is CDRSTF here.
    reset_flags=0x55E80000,
    vos_reset=0,
    vos_mv=(1000, 1100, 1200, 1300),
)
