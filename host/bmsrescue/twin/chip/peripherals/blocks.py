"""What lies where on the peripheral buses of each die, and which bits of RCC clock it. No code but the selection.

RM0433, RM0468 and RM0455, memory map and register boundary addresses; bits as in ST's device headers. What no row
names is reserved: a bus error.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bmsrescue.twin.chip.rcc_registers import (
    AHB1ENR,
    AHB2ENR,
    AHB3ENR,
    AHB4ENR,
    APB1HENR,
    APB1LENR,
    APB2ENR,
    APB3ENR,
    APB4ENR,
)

_KIB: Final = 1024


@dataclass(frozen=True)
class Block:
    """One peripheral. ``register`` and ``bits`` are its enable bits in RCC, any of which will do."""

    name: str
    start: int
    size: int = _KIB
    register: int | None = None
    """None: it needs no clock of its own."""
    bits: int = 0
    dies: str = "24A"
    """2: H72x, 4: H74x, A: H7Ax."""
    crypto: bool = False
    """Only on parts with the crypto hardware."""


def _on(register: int, first: int, step: int, base: int, names: str) -> tuple[Block, ...]:
    """Neighbours whose enable bits are neighbours, too."""
    return tuple(
        Block(name, base + step * n, register=register, bits=1 << first + n) for n, name in enumerate(names.split())
    )


def _one(name: str, start: int, register: int, *bits: int, kib: int = 1, dies: str = "24A") -> Block:
    return Block(name, start, kib * _KIB, register, sum(1 << bit for bit in bits), dies)


BLOCKS: Final[tuple[Block, ...]] = (
    # APB1
    *_on(APB1LENR, 0, _KIB, 0x40000000, "TIM2 TIM3 TIM4 TIM5 TIM6 TIM7 TIM12 TIM13 TIM14 LPTIM1"),
    *_on(APB1LENR, 14, _KIB, 0x40003800, "SPI2 SPI3 SPDIFRX USART2 USART3 UART4 UART5 I2C1 I2C2 I2C3"),
    _one("I2C5", 0x40006400, APB1LENR, 25, dies="2"),
    _one("CEC", 0x40006C00, APB1LENR, 27),
    _one("DAC1", 0x40007400, APB1LENR, 29),
    *_on(APB1LENR, 30, _KIB, 0x40007800, "UART7 UART8"),
    *_on(APB1HENR, 1, _KIB, 0x40008400, "CRS SWPMI1"),
    *_on(APB1HENR, 4, _KIB, 0x40009000, "OPAMP MDIOS"),
    _one("FDCAN1", 0x4000A000, APB1HENR, 8),
    _one("FDCAN2", 0x4000A400, APB1HENR, 8),
    _one("FDCAN_CCU", 0x4000A800, APB1HENR, 8),
    _one("SRAMCAN", 0x4000AC00, APB1HENR, 8, kib=10),
    _one("FDCAN3", 0x4000D400, APB1HENR, 8, dies="2"),
    _one("TIM23", 0x4000E000, APB1HENR, 24, dies="2"),
    _one("TIM24", 0x4000E400, APB1HENR, 25, dies="2"),
    # APB2
    *_on(APB2ENR, 0, _KIB, 0x40010000, "TIM1 TIM8"),
    *_on(APB2ENR, 4, _KIB, 0x40011000, "USART1 USART6"),
    _one("UART9", 0x40011800, APB2ENR, 6, dies="2A"),
    _one("USART10", 0x40011C00, APB2ENR, 7, dies="2A"),
    *_on(APB2ENR, 12, _KIB, 0x40013000, "SPI1 SPI4"),
    *_on(APB2ENR, 16, _KIB, 0x40014000, "TIM15 TIM16 TIM17"),
    _one("SPI5", 0x40015000, APB2ENR, 20),
    _one("SAI1", 0x40015800, APB2ENR, 22),
    _one("SAI2", 0x40015C00, APB2ENR, 23, dies="4A"),
    _one("SAI3", 0x40016000, APB2ENR, 24, dies="4"),
    _one("DFSDM1", 0x40017000, APB2ENR, 28, dies="4"),
    _one("HRTIM1", 0x40017400, APB2ENR, 29, dies="4"),
    _one("DFSDM1", 0x40017800, APB2ENR, 30, kib=2, dies="2A"),
    # AHB1
    *_on(AHB1ENR, 0, _KIB, 0x40020000, "DMA1 DMA2"),
    _one("DMAMUX1", 0x40020800, AHB1ENR, 0, 1),
    _one("ADC12", 0x40022000, AHB1ENR, 5),
    _one("CRC", 0x40023000, AHB1ENR, 9, dies="A"),
    _one("ETH", 0x40028000, AHB1ENR, 15, kib=5, dies="24"),
    _one("OTG_HS", 0x40040000, AHB1ENR, 25, kib=256),
    _one("OTG_FS", 0x40080000, AHB1ENR, 27, kib=256, dies="4"),
    # AHB2
    _one("DCMI", 0x48020000, AHB2ENR, 0),
    _one("PSSI", 0x48020400, AHB2ENR, 0, dies="2A"),
    _one("HSEM", 0x48020800, AHB2ENR, 2, dies="A"),
    Block("CRYP", 0x48021000, _KIB, AHB2ENR, 1 << 4, crypto=True),
    Block("HASH", 0x48021400, _KIB, AHB2ENR, 1 << 5, crypto=True),
    _one("RNG", 0x48021800, AHB2ENR, 6),
    _one("SDMMC2", 0x48022400, AHB2ENR, 9),
    _one("DLYB_SDMMC2", 0x48022800, AHB2ENR, 9),
    _one("BDMA1", 0x48022C00, AHB2ENR, 11, dies="A"),
    Block("RAMECC2", 0x48023000, dies="24"),
    _one("FMAC", 0x48024000, AHB2ENR, 16, dies="2"),
    _one("CORDIC", 0x48024400, AHB2ENR, 17, dies="2"),
    Block("WWDG2", 0x40002C00, dies="4"),  # as IWDG2
    # APB3, the interconnect's own registers, AHB3
    _one("LTDC", 0x50001000, APB3ENR, 3, kib=4),
    _one("WWDG1", 0x50003000, APB3ENR, 6, kib=4),
    Block("GPV", 0x51000000, 1024 * _KIB),
    _one("MDMA", 0x52000000, AHB3ENR, 0, kib=4),
    _one("DMA2D", 0x52001000, AHB3ENR, 4, kib=4),
    _one("JPEG", 0x52003000, AHB3ENR, 5, kib=4, dies="4A"),
    _one("FMC", 0x52004000, AHB3ENR, 12, kib=4),
    _one("QUADSPI", 0x52005000, AHB3ENR, 14, kib=4, dies="4"),
    _one("OCTOSPI1", 0x52005000, AHB3ENR, 14, kib=4, dies="2A"),
    _one("DLYB_QSPI", 0x52006000, AHB3ENR, 14, kib=4),
    _one("SDMMC1", 0x52007000, AHB3ENR, 16, kib=4),
    _one("DLYB_SDMMC1", 0x52008000, AHB3ENR, 16, kib=4),
    Block("RAMECC1", 0x52009000, 4 * _KIB),
    _one("OCTOSPI2", 0x5200A000, AHB3ENR, 19, kib=4, dies="2A"),
    _one("DLYB_OCTOSPI2", 0x5200B000, AHB3ENR, 19, dies="2A"),
    _one("OCTOSPIM", 0x5200B400, AHB3ENR, 21, dies="2A"),
    Block("OTFDEC1", 0x5200B800, _KIB, AHB3ENR, 1 << 22, dies="2A", crypto=True),
    Block("OTFDEC2", 0x5200BC00, _KIB, AHB3ENR, 1 << 23, dies="2A", crypto=True),
    _one("GFXMMU", 0x5200C000, AHB3ENR, 24, kib=12, dies="A"),
    # APB4
    Block("EXTI", 0x58000000),
    _one("SYSCFG", 0x58000400, APB4ENR, 1),
    _one("LPUART1", 0x58000C00, APB4ENR, 3),
    _one("SPI6", 0x58001400, APB4ENR, 5),
    _one("I2C4", 0x58001C00, APB4ENR, 7),
    *_on(APB4ENR, 9, _KIB, 0x58002400, "LPTIM2 LPTIM3"),
    _one("LPTIM4", 0x58002C00, APB4ENR, 11, dies="24"),
    _one("LPTIM5", 0x58003000, APB4ENR, 12, dies="24"),
    _one("DAC2", 0x58003400, APB4ENR, 13, dies="A"),
    *_on(APB4ENR, 14, _KIB, 0x58003800, "COMP12 VREFBUF RTC"),
    _one("TAMP", 0x58004400, APB4ENR, 16, dies="A"),
    Block("IWDG1", 0x58004800),
    Block(
        "IWDG2", 0x58004C00, dies="4"
    ),  # of the second core: makers' flash algorithms feed both, on any part of the die
    _one("SAI4", 0x58005400, APB4ENR, 21, dies="24"),
    _one("DTS", 0x58006800, APB4ENR, 26, dies="2A"),
    _one("DFSDM2", 0x58006C00, APB4ENR, 27, kib=2, dies="A"),
    # AHB4
    *_on(AHB4ENR, 0, _KIB, 0x58020000, "GPIOA GPIOB GPIOC GPIOD GPIOE GPIOF GPIOG GPIOH"),
    _one("GPIOI", 0x58022000, AHB4ENR, 8, dies="4A"),
    *_on(AHB4ENR, 9, _KIB, 0x58022400, "GPIOJ GPIOK"),
    Block("RCC", 0x58024400),
    Block("PWR", 0x58024800),
    _one("CRC", 0x58024C00, AHB4ENR, 19, dies="24"),
    _one("BDMA", 0x58025400, AHB4ENR, 21),
    _one("DMAMUX2", 0x58025800, AHB4ENR, 21),
    _one("ADC3", 0x58026000, AHB4ENR, 24, dies="24"),
    _one("HSEM", 0x58026400, AHB4ENR, 25, dies="24"),
    Block("RAMECC3", 0x58027000, dies="24"),
)


def blocks_of(die: str, *, crypto: bool) -> dict[str, Block]:
    """The peripherals of a die ("2", "4" or "A") by name, with or without the crypto hardware."""
    return {block.name: block for block in BLOCKS if die in block.dies and (crypto or not block.crypto)}
