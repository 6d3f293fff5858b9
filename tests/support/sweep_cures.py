"""The cures that are cut: a small unit each, how it is broken, what its card allows, and what must be true in the end.

Small on purpose, so that many cuts cost little: a part with 128 or 512 KiB of flash, an image of a few KiB.
"""

from __future__ import annotations

import json
import random
import struct
from collections.abc import Callable
from dataclasses import dataclass, replace

from bmsrescue.card.build import describe_job
from bmsrescue.card.fat import make_image
from bmsrescue.image.contents import Segment
from bmsrescue.twin.board.unit import Unit
from bmsrescue.twin.chip.config import ChipConfig
from bmsrescue.twin.chip.flash.option_bytes import OptionValues
from bmsrescue.twin.firmware import calibration_block
from bmsrescue.twin.scenarios.scenario import Scenario
from bmsrescue.twin.scenarios.unit_programs import BUSY, SMPS

FLASH = 0x0800_0000
SECTOR = 0x2_0000
_CODE = 0x200
_GOLDEN = {"optsr": {"value": "0x0306AAD0", "mask": "0x200600DC"}, "boot": {"value": "0x1FF00800"}}


@dataclass(frozen=True)
class Cure:
    """`kept`: (offset, length) of what must read as before; `sectors` of 128 KiB that the part has."""

    name: str
    breaks: Callable[[Unit], None]
    sectors: int = 4
    consent: tuple[str, ...] = ()
    preserve: tuple[tuple[str, int, int], ...] = ()
    kept: tuple[tuple[int, int], ...] = ((3 * SECTOR, SECTOR),)
    options: OptionValues | None = None
    """The option bytes in the end; None: whatever they were before."""

    @property
    def segments(self) -> list[Segment]:
        vectors = struct.pack("<II", 0x2001_0000, FLASH + _CODE | 1)
        first = vectors + b"\x00" * (_CODE - len(vectors)) + BUSY + b"\x00" * 30
        if self.sectors == 1:
            return [Segment(FLASH, first + random.Random("sweep").randbytes(3072))]
        return [Segment(FLASH, first), Segment(FLASH + SECTOR, random.Random("sweep").randbytes(4096))]

    def card(self) -> bytearray:
        files = describe_job("sweep", "1", self.segments, flash_kib=self.sectors * SECTOR // 1024)
        job = json.loads(files["job.json"])
        job["options"] = _GOLDEN
        job["policy"]["consent"] = list(self.consent)
        job["policy"]["preserve"] = [
            {"name": name, "address": FLASH + at, "length": length} for name, at, length in self.preserve
        ]
        return make_image({**files, "job.json": json.dumps(job).encode()})

    def scenario(self) -> Scenario:
        config = ChipConfig(flash_size_kib=self.sectors * SECTOR // 1024)
        return Scenario(self.name, "", "", self._break, "", "RECOVERED", config=config)

    def _break(self, unit: Unit) -> None:
        flash = unit.chip.flash
        for sector in range(self.sectors):
            flash.blank(sector)
        for segment in self.segments:
            flash.load(segment.address, segment.data)
        if self.sectors > 1:
            flash.load(FLASH + 3 * SECTOR, calibration_block("sweep", 0))
        self.breaks(unit)


def _two_sectors(unit: Unit) -> None:
    unit.chip.flash.blank(0)
    unit.chip.flash.load(FLASH, b"\x00" * 4096)
    unit.chip.flash.tear(FLASH + 4096)
    unit.chip.flash.blank(1)
    unit.chip.flash.load(FLASH + SECTOR, b"\x55" * 8192)


_REGION = ("calibration", SECTOR - 1024, 1024)


def _beside_calibration(unit: Unit) -> None:
    unit.chip.flash.blank(0)
    unit.chip.flash.load(FLASH, b"\x00" * 4096)
    unit.chip.flash.load(FLASH + _REGION[1], random.Random("region").randbytes(_REGION[2]))


def _blank(unit: Unit) -> None:
    unit.chip.flash.blank(0)
    unit.chip.flash.blank(1)


def _calibration(unit: Unit) -> None:
    unit.chip.flash.tear(FLASH + 3 * SECTOR + 0x400)


def _options(unit: Unit) -> None:
    factory = unit.chip.options.factory
    unit.chip.options.preset(replace(factory, optsr=factory.optsr & ~0x10 | 0x4))


def _wrp(unit: Unit) -> None:
    unit.chip.flash.blank(0)
    factory = unit.chip.options.factory
    unit.chip.options.preset(replace(factory, wpsn=factory.wpsn & ~0x3))


def _rdp1(unit: Unit) -> None:
    unit.chip.flash.blank(0)
    unit.chip.options.preset(unit.chip.options.factory.with_rdp(0x55))


def _wrong_supply(unit: Unit) -> None:
    unit.chip.flash.blank(0)
    unit.chip.flash.load(FLASH, struct.pack("<II", 0x2001_0000, FLASH + _CODE | 1))
    unit.chip.flash.load(FLASH + _CODE, SMPS)


CURES = {
    cure.name: cure
    for cure in (
        Cure("sectors", _two_sectors),
        Cure("preserve", _beside_calibration, sectors=1, preserve=(_REGION,), kept=(_REGION[1:],)),
        Cure("blank", _blank),
        Cure(
            "calibration",
            _calibration,
            consent=("sector:3",),
            kept=((3 * SECTOR, 0x400), (3 * SECTOR + 0x420, SECTOR - 0x420)),
        ),
        Cure("options", _options, consent=("option-bytes",), options=OptionValues()),
        Cure("wrp", _wrp, consent=("wrp",)),
        Cure("rdp1", _rdp1, consent=("rdp-regression",), kept=(), options=OptionValues()),
        Cure("wrong-supply", _wrong_supply),
    )
}
