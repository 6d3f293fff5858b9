"""Ordinary variations: boards that are in order and yet differ from each other, and helpers that do."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random
from typing import Final

from bmsrescue.twin.board.faults import BoardFaults, HelperTraits
from bmsrescue.twin.chip.config import ChipConfig, Supply

from . import images
from .layout import Layout

_CR3: Final[dict[str, int]] = {"ldo": 0x02, "smps": 0x04, "smps_1v8_ldo": 0x16, "smps_2v5_ldo": 0x26}
_STEP_DOWN_PARTS: Final = ("H725", "H7B0", "H730")


@dataclass(frozen=True)
class Board:
    """A board in order. `traits` are fields of `BoardFaults` that are of its design and no fault."""

    supply: Supply
    crystal_start_ms: float | None
    crystal: bool
    """Its firmware clocks from the crystal."""
    traits: BoardFaults
    words: tuple[str, ...]
    """What is unlike the usual board, for a person."""

    @property
    def cr3(self) -> int:
        return _CR3[self.supply]

    def config(self, part: str) -> ChipConfig:
        return ChipConfig(part=part, board_supply=self.supply, crystal_start_ms=self.crystal_start_ms)


def draw_board(rng: Random, layout: Layout) -> Board:
    """A board that works."""
    words: list[str] = []
    supply: Supply = "ldo"
    if layout.part in _STEP_DOWN_PARTS and rng.random() < 0.3:
        supply = rng.choice(("smps", "smps_1v8_ldo", "smps_2v5_ldo"))
        words.append(f"core supply {supply}")
    crystal = rng.random() < 0.4
    start_ms = rng.choice((0.8, 2.0, 5.0))
    if crystal:
        if rng.random() < 0.2:
            start_ms = rng.choice((30.0, 80.0))
        words.append(f"crystal, ready after {start_ms:g} ms")
    traits = _lines(rng, _around_reset(rng, BoardFaults(), words), words)
    traits = replace(traits, helper=_helper(rng, words))
    return Board(supply, start_ms, crystal, traits, tuple(words))


def draw_flags(rng: Random, board: Board, layout: Layout) -> int:
    """What this product's firmware does."""
    flags = images.FAST_200 if layout.part in ("H7B0", "H7A3", "H7B3") else 0
    if rng.random() < 0.8:
        flags |= images.USES_PLL
    if board.crystal:
        flags |= images.USES_CRYSTAL
        flags |= rng.choice((0, images.CRYSTAL_GIVES_UP, images.CRYSTAL_GIVES_UP, images.CRYSTAL_FALLS_BACK))
    if rng.random() < 0.6:
        flags |= images.STARTS_WATCHDOG
    work = rng.random()
    if work < 0.25:
        flags |= images.WORKS_IN_INTERRUPT
    elif work < 0.4:
        flags |= images.WORKS_IN_INTERRUPT | images.SLEEPS
    return flags


def _around_reset(rng: Random, traits: BoardFaults, words: list[str]) -> BoardFaults:
    if rng.random() < 0.2:
        traits = replace(traits, latch_kind="held")
        words.append("latch that the firmware holds")
    if rng.random() < 0.3:
        delay_ms = float(rng.choice((100, 140, 200, 280, 400, 560, 600)))
        traits = replace(traits, nrst_supervisor_ms=delay_ms)
        words.append(f"reset supervisor {delay_ms:g} ms")
    nanofarads = rng.choice((None, None, None, 10.0, 470.0, 1000.0))
    if nanofarads is not None:
        traits = replace(traits, nrst_capacitance_nf=nanofarads)
        words.append(f"NRST with {nanofarads:g} nF")
    if rng.random() < 0.1:
        timeout_ms = float(rng.choice((1000, 1600, 3000)))
        traits = replace(traits, watchdog_ms=timeout_ms)
        words.append(f"watchdog chip {timeout_ms:g} ms, off while its input floats")
    return traits


def _lines(rng: Random, traits: BoardFaults, words: list[str]) -> BoardFaults:
    traits = replace(traits, chip_pull_ohm=float(rng.choice((30_000, 40_000, 40_000, 50_000))))
    kind = rng.random()
    if kind < 0.12:
        ohm = float(rng.choice((4_700, 10_000, 47_000)))
        traits = replace(traits, swdio_pull_up_ohm=ohm)
        words.append(f"SWDIO pulled up by {ohm:g} ohm")
    elif kind < 0.22:
        ohm = float(rng.choice((10_000, 100_000)))
        traits = replace(traits, swclk_pull_down_ohm=ohm)
        words.append(f"SWCLK pulled down by {ohm:g} ohm")
    elif kind < 0.30:
        ohm = float(rng.choice((10_000, 47_000)))
        traits = replace(traits, swclk_pull_up_ohm=ohm, swdio_pull_up_ohm=ohm)
        words.append(f"SWDIO and SWCLK pulled up by {ohm:g} ohm")
    elif kind < 0.36:
        traits = replace(traits, swd_translator=True)
        words.append("level translator in SWD")
    return traits


def _helper(rng: Random, words: list[str]) -> HelperTraits:
    traits = HelperTraits(pull_ohm=float(rng.choice((50_000, 60_000, 60_000, 80_000))))
    if rng.random() < 0.45:
        zero = round(rng.uniform(5, 19), 1)
        traits = replace(traits, adc_zero_lsb=zero)
        words.append(f"ADC zero {zero} LSB")
    if rng.random() < 0.15:
        traits = replace(traits, pull_down_latches=True)
        words.append("helper's pull-down latches (RP2350 A2)")
    lacking = rng.random()
    if lacking < 0.08:
        traits = replace(traits, missing_rails=frozenset({"vcap"}))
    elif lacking < 0.14:
        traits = replace(traits, missing_rails=frozenset({"vcap", "v5iso"}))
    elif lacking < 0.19:
        traits = replace(traits, missing_rails=frozenset({"vcap", "v5iso", "v12"}))
    elif lacking < 0.23:
        traits = replace(traits, missing_rails=frozenset({"bplus", "v12", "v5iso", "vcap"}))
    if traits.missing_rails:
        words.append("helper without " + ", ".join(sorted(traits.missing_rails)))
    return traits
