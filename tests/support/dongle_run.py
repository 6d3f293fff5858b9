"""Runs of the pocket dongle on the twin, shared by the tests that look at them from different sides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bmsrescue.card.fat import read_files
from bmsrescue.image.whole_backup import whole_flash
from bmsrescue.twin.helper.helper import RunResult
from bmsrescue.twin.rig import TwinRig


@dataclass
class DongleRun:
    """One press of the dongle's button, and the unit before and after it."""

    bench: TwinRig
    result: RunResult
    flash_before: bytes
    flash_after: bytes
    card: dict[str, bytes]

    @property
    def record(self) -> dict[str, Any]:
        assert self.result.record is not None, self.result.output
        return self.result.record

    @property
    def backups(self) -> list[bytes]:
        """What each backup on the card says the whole flash held."""
        return [
            whole_flash(data, path)
            for path, data in sorted(self.card.items())
            if path.startswith("backups/") and path.endswith(".elf")
        ]


def press_button(bench: TwinRig, card: bytearray | None) -> DongleRun:
    flash = bench.unit.chip.flash
    before = flash.snapshot()
    result = bench.run()
    return DongleRun(bench, result, before, flash.snapshot(), {} if card is None else read_files(card))
