"""One flash operation: what it does when it ends, and what it leaves behind when it is cut.

RM0468 4.3; docs/reference/chip.md#torn-word.
"""

from __future__ import annotations

import random
from typing import Protocol

from bmsrescue.twin.chip.config import ChipConfig
from bmsrescue.twin.chip.flash.array import FlashArray


class Operation(Protocol):
    """Something the controller is busy with. ``finish`` is true when it went well, false for OPERR."""

    psize: int

    def finish(self) -> bool: ...

    def cut(self, fraction: float) -> None:
        """Reset or power loss after ``fraction`` (0..1) of the operation's time."""


class ProgramWord:
    """One flash word."""

    def __init__(self, array: FlashArray, rng: random.Random, word: int, value: bytes, psize: int) -> None:
        self.psize = psize
        self._array = array
        self._rng = rng
        self._word = word
        self._value = value

    def finish(self) -> bool:
        sector = self._word // self._array.geometry.words_per_sector
        if self._array.worn.get(sector) == "program":
            self._leave_mixed()
            return False
        self._array.program_word(self._word, self._value)
        return True

    def cut(self, fraction: float) -> None:
        """Early: nothing has happened yet; late: done; between: some bits have changed and the ECC fits neither."""
        if fraction < 0.02:
            return
        if fraction > 0.98:
            self.finish()
        else:
            self._leave_mixed()

    def _leave_mixed(self) -> None:
        old = self._array.word(self._word)
        slow = self._rng.randbytes(len(old))
        mixed = bytes(o & (v | s) for o, v, s in zip(old, self._value, slow, strict=True))
        self._array.store_torn(self._word, mixed)


class Erase:
    """A run of whole sectors."""

    def __init__(self, array: FlashArray, config: ChipConfig, first_sector: int, sectors: int, psize: int) -> None:
        self.psize = psize
        self._array = array
        self._config = config
        self._first_sector = first_sector
        self._sectors = sectors

    def finish(self) -> bool:
        good = True
        per_sector = self._array.geometry.words_per_sector
        for sector in range(self._first_sector, self._first_sector + self._sectors):
            if self._array.worn.get(sector) == "erase":
                self._leave_partial(sector * per_sector, per_sector, 0.5)
                good = False
            else:
                self._array.blank(sector)
        return good

    def cut(self, fraction: float) -> None:
        if fraction <= 0.0:
            return
        per_sector = self._array.geometry.words_per_sector
        self._leave_partial(self._first_sector * per_sector, self._sectors * per_sector, fraction)

    def _leave_partial(self, first: int, words: int, fraction: float) -> None:
        """Words below the cut erased, one band broken, the rest old."""
        done = int(words * fraction)
        band = min(self._config.erase_cut_band_words, words - done)
        if done:
            self._array.erase_words(first, done)
        if band:
            self._array.tear_words(first + done, band)
