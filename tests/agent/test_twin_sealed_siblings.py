"""Data that carry their own CRC-32: two of one length have the same CRC, and are not equal.

A table of limits behind the firmware, and the calibration of a sister unit in the card's image: what the dongle finds,
cures and backs up.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Callable
from dataclasses import replace

import pytest

from bmsrescue.card.check import JOB_FILE
from bmsrescue.card.fat import make_image
from bmsrescue.image.whole_backup import whole_flash
from bmsrescue.twin.board.unit import Unit
from bmsrescue.twin.firmware import CALIBRATION_ADDRESS, calibration_block, image_bytes
from bmsrescue.twin.firmware.builds import BUILDS, tail_address
from bmsrescue.twin.firmware.limits import LFP, NMC, limits_block
from bmsrescue.twin.rig import TwinRig, card_for, default_card_files
from bmsrescue.twin.scenarios import find
from bmsrescue.twin.scenarios.scenario import Scenario
from dongle_run import DongleRun, press_button

FLASH = 0x08000000
SECTOR = 0x20000
TAIL = tail_address(BUILDS["H725"].segments()) - FLASH
CALIBRATION = CALIBRATION_ADDRESS - FLASH
WHOLE = "whole.bin"


def states(run: DongleRun) -> list[str]:
    return [sector["state"] for sector in run.record["evidence"]["sectors"]]


def backup_of(run: DongleRun) -> bytes:
    data = run.card[run.record["backup"]["file"]]
    assert hashlib.sha256(data).hexdigest() == run.record["backup"]["sha256"]
    return whole_flash(data, "backup")


def card_of_a_whole_flash(flash: bytes) -> bytearray:
    """A card whose image is another unit's whole flash, as a person makes it from a backup."""
    files = default_card_files()
    document = json.loads(files[JOB_FILE])
    sha256 = hashlib.sha256(flash).hexdigest()
    segment = {"address": f"0x{FLASH:08x}", "length": len(flash), "offset": 0, "sha256": sha256}
    document["image"] = {"file": WHOLE, "version": "1.2.0", "sha256": sha256, "segments": [segment]}
    document["policy"] = {"mode": "repair", "preserve": [], "consent": []}
    return make_image({WHOLE: flash, JOB_FILE: json.dumps(document).encode()})


def broken(breaks: Callable[[Unit], None]) -> Scenario:
    return replace(find("healthy"), breaks=breaks)


def test_the_two_tables_have_one_crc() -> None:
    theirs, ours = limits_block(LFP), limits_block(NMC)
    assert theirs != ours
    assert len(theirs) == len(ours) == 64
    assert zlib.crc32(b"any" + theirs + b"thing") == zlib.crc32(b"any" + ours + b"thing")


@pytest.fixture(scope="module")
def sibling() -> DongleRun:
    card = card_for(find("sealed-sibling"))
    return press_button(TwinRig(find("sealed-sibling"), card), card)


def test_other_limits_are_seen_and_put_right(sibling: DongleRun) -> None:
    assert sibling.flash_before[TAIL : TAIL + 64] == limits_block(LFP)
    assert states(sibling) == ["match", "match", "differs", "blank", "blank", "blank", "blank", "unknown"]
    assert sibling.record["outcome"] == "RECOVERED"
    assert sibling.flash_after[TAIL : TAIL + 64] == limits_block(NMC)
    assert sibling.flash_after[: len(image_bytes())] == image_bytes()
    assert sibling.record["verified"]["by_reading"] == 0


def test_its_backup_holds_the_limits_that_were_there(sibling: DongleRun) -> None:
    assert backup_of(sibling) == sibling.flash_before


def test_a_backup_beside_a_siblings_image_holds_the_units_own_calibration() -> None:
    unit = TwinRig(find("healthy"), None).unit.chip.flash.snapshot()
    own, other = unit[CALIBRATION:], calibration_block("R16S-24000001", 9).ljust(SECTOR, b"\xff")
    assert other != own
    assert zlib.crc32(other) == zlib.crc32(own)
    card = card_of_a_whole_flash(unit[:CALIBRATION] + other)
    run = press_button(TwinRig(find("bad-vectors"), card), card)
    assert run.flash_before[CALIBRATION:] == own
    assert run.record["evidence"]["sectors"][7]["state"] == "differs"
    assert backup_of(run) == run.flash_before


def test_blank_on_both_sides_is_a_match() -> None:
    flash = TwinRig(find("healthy"), None).unit.chip.flash.snapshot()
    card = card_of_a_whole_flash(flash)
    run = press_button(TwinRig(find("healthy"), card), card)
    assert states(run) == ["match"] * 8
    assert run.record["diagnosis"]["cause"] == "healthy"
    assert run.record["outcome"] == "NO_FAULT_FOUND"
    assert run.flash_after == run.flash_before


def test_what_is_blank_in_the_image_too_is_no_sign_that_an_update_was_cut() -> None:
    flash = TwinRig(find("healthy"), None).unit.chip.flash.snapshot()
    card = card_of_a_whole_flash(flash)

    def breaks(unit: Unit) -> None:
        for sector in range(8):
            unit.chip.flash.blank(sector)

    run = press_button(TwinRig(broken(breaks), card), card)
    assert states(run) == ["blank"] * 3 + ["match"] * 4 + ["blank"]
    assert run.record["diagnosis"]["cause"] == "blank"
    assert run.record["outcome"] == "RECOVERED"
    assert run.flash_after == flash
    written = [line for line in run.record["plan"] if line.startswith(("write sector", "erase"))]
    assert len(written) == 4, written


def test_what_lies_between_segments_is_the_units_own() -> None:
    """Three segments, one of odd length, in a file with other bytes between; what is in the gap is to be preserved."""
    image = image_bytes() + b"odd"
    gap = range(0x28000, 0x2C000)
    data, segments = b"head", []
    for start, end in ((0, SECTOR // 2), (SECTOR // 2, gap.start), (gap.stop, len(image))):
        piece = image[start:end]
        sha256 = hashlib.sha256(piece).hexdigest()
        segments.append(
            {"address": FLASH + start, "length": len(piece), "offset": len(data), "sha256": sha256},
        )
        data += piece + b"between"
    document = json.loads(default_card_files()[JOB_FILE])
    document["image"] |= {"file": "parts.bin", "sha256": hashlib.sha256(data).hexdigest(), "segments": segments}
    document["policy"]["preserve"] = [{"name": "own", "address": FLASH + gap.start, "length": len(gap)}]
    card = make_image({"parts.bin": data, JOB_FILE: json.dumps(document).encode()})

    def fits(unit: Unit) -> None:
        unit.chip.flash.load(FLASH + len(image) - 3, b"odd")

    run = press_button(TwinRig(broken(fits), card), card)
    assert states(run)[:3] == ["match"] * 3
    assert run.record["outcome"] == "NO_FAULT_FOUND"

    def breaks(unit: Unit) -> None:
        fits(unit)
        unit.chip.flash.load(FLASH, bytes(32))
        unit.chip.flash.load(FLASH + 0x21000, bytes(32))

    run = press_button(TwinRig(broken(breaks), card), card)
    assert states(run)[:3] == ["differs", "differs", "match"]
    assert backup_of(run) == run.flash_before
    assert run.record["outcome"] == "RECOVERED"
    assert run.flash_after[: len(image)] == image
    assert run.flash_after[SECTOR * 2 :] == run.flash_before[SECTOR * 2 :]
