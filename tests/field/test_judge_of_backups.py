"""The judge of generated units reads the backup that a green press relies on, and can say no."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from backups_made import backup_of, flash_with
from bmsrescue.card.fat import make_image
from bmsrescue.twin.field import judge

FLASH = flash_with({0: b"firmware", 0xE0000: b"CALIBRATION 4711"})
CASE: Any = SimpleNamespace(
    kinds=set(), layout=SimpleNamespace(geometry=SimpleNamespace(word_size=32, base=0x08000000))
)
GREEN: Any = SimpleNamespace(outcome="RECOVERED")


def judged(backup: bytes) -> None:
    card = make_image({"backups/x-1.elf": backup}, 4 << 20)
    judge._backup_true(CASE, (FLASH, bytes(len(FLASH) // 32)), card, GREEN)


def test_a_true_backup_is_true() -> None:
    judged(backup_of(FLASH, 0x20000))


@pytest.mark.parametrize(
    "change", [lambda data: data[:-1], lambda data: data[:-8] + b"\0" * 8, lambda data: b"\x7fELF"]
)
def test_a_backup_that_is_cut_or_holds_other_bytes_is_not(change: Any) -> None:
    with pytest.raises(judge._Wrong):
        judged(change(backup_of(FLASH, 0x20000)))
