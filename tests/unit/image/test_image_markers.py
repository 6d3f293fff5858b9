"""Whose firmware an image is: what `card build` finds in it, and what becomes `target.marker`."""

import json
import struct
from pathlib import Path

import pytest

from bmsrescue.card.build import ImageOptions, build_files
from bmsrescue.card.check import CardBuildError, check_image, read_job
from bmsrescue.image.contents import Segment
from bmsrescue.image.markers import MarkerError, find_markers, take_marker
from bmsrescue.twin.firmware import image_bytes

FLASH = 0x0800_0000
VECTORS = struct.pack("<II", 0x2002_0000, FLASH + 0x41).ljust(0x100, b"\x00")
BUILD_ID = bytes(range(0xA0, 0xB4))
BODY = (
    VECTORS
    + b"PACE-P16S100A\x00\x00\x00"
    + b"3.1.4-rc2\x00\x00\x00"
    + b"cell %d too low\n\x00"
    + struct.pack("<III", 4, 20, 3)
    + b"GNU\x00"
    + BUILD_ID
    + b"a lower case sentence\x00"
)


def test_products_versions_and_build_ids_are_found_with_their_addresses() -> None:
    found = [(one.kind, one.address - FLASH, one.text) for one in find_markers([Segment(FLASH, BODY)])]
    assert found == [
        ("product", 0x100, "PACE-P16S100A"),
        ("version", 0x110, "3.1.4-rc2"),
        ("build id", BODY.index(BUILD_ID), BUILD_ID.hex()),
    ]


def test_the_demo_firmware_shows_its_header_and_no_noise() -> None:
    found = [(one.kind, one.address, one.text) for one in find_markers([Segment(FLASH, image_bytes("1.2.0"))])]
    assert found[:1] == [("product", 0x0800_0400, "BMSIMAGE")]
    assert ("version", 0x0800_0408, "1.2.0") in found
    assert len([one for one in found if one[0] == "product"]) == 1


def test_a_text_that_is_there_once_needs_no_address() -> None:
    segments = [Segment(FLASH, BODY + b"twice\x00twice\x00")]
    assert take_marker("PACE-P16S100A", segments) == {"address": "0x08000100", "text": "PACE-P16S100A"}
    assert take_marker("A@B@0x08000400", segments) == {"address": "0x08000400", "text": "A@B"}
    with pytest.raises(MarkerError, match="2 times"):
        take_marker("twice", segments)
    with pytest.raises(MarkerError, match="does not hold"):
        take_marker("PACE-P16S200B", segments)


def test_a_card_carries_the_marker_that_was_asked_for(tmp_path: Path) -> None:
    image = tmp_path / "bms.bin"
    image.write_bytes(BODY)
    files = build_files(
        image,
        ImageOptions(
            markers=(
                "PACE-P16S100A",
                "PACE-P16S100@0x08000120",
            )
        ),
    ).files
    job, _ = read_job(files)
    assert [(marker[0], marker[2]) for marker in job.markers] == [
        (0x0800_0100, "PACE-P16S100A"),
        (0x0800_0120, "PACE-P16S100"),
    ]
    check_image(job, files)


def test_an_image_without_the_jobs_marker_is_refused(tmp_path: Path) -> None:
    image = tmp_path / "bms.bin"
    image.write_bytes(BODY)
    files = build_files(image, ImageOptions(markers=("PACE-P16S100A",))).files
    document = json.loads(files["job.json"])
    document["target"]["marker"] = {"address": "0x08000100", "text": "PACE-P16S200B"}
    (tmp_path / "job.json").write_text(json.dumps(document))
    with pytest.raises(CardBuildError, match="is not what"):
        build_files(tmp_path / "job.json")
