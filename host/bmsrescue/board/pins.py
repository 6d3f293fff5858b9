"""What the pins of a board can do. From the data sheets that are named beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Pins:
    """`count`: GPIO 0 to count - 1. `adc`: those with an ADC. `taken`: what the board itself uses. `i2c`, `spi`: which
    bus a pin can be of, as {(signal, pin): bus}."""

    name: str
    count: int
    adc: frozenset[int]
    taken: Mapping[int, str]
    i2c: Mapping[tuple[str, int], int]
    spi: Mapping[tuple[str, int], int]


def _rp2_i2c() -> dict[tuple[str, int], int]:
    # RP2040 data sheet, 1.4.3, table 2 (function select): F3.
    return {(("sda", "scl")[pin % 2], pin): pin // 2 % 2 for pin in range(30)}


def _rp2_spi() -> dict[tuple[str, int], int]:
    # The same, F1: RX, CSn, SCK, TX in turn; eight pins for each of the two, then again.
    signals = ("miso", "cs", "sck", "mosi")
    return {(signals[pin % 4], pin): pin // 8 % 2 for pin in range(30)}


PICO = Pins(
    name="Raspberry Pi Pico",
    count=30,
    adc=frozenset((26, 27, 28)),
    # Pico data sheet, 2.1: used for on-board functions.
    taken={23: "the supply's mode", 24: "VBUS sense", 25: "the board's LED", 29: "VSYS / 3"},
    i2c=_rp2_i2c(),
    spi=_rp2_spi(),
)


def pins_of(board: str) -> Pins | None:
    """`board`: a known board's name, or what MicroPython says of itself. None: nothing is known of its pins."""
    words = board.lower()
    return PICO if "pico" in words or "rp2040" in words or "rp2350" in words else None
