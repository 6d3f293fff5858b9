"""Units with a small application, for helpers that are slow to run: 5 KiB in two sectors, blank in between.

The application is the demo unit's firmware, cut short. It checks a sum over its tables, which lie at its end; the sum
in its header is that of what is left of them, so that it runs as the whole one does.
"""

from __future__ import annotations

import json
import struct
from functools import cache

from bmsrescue.card.build import describe_job
from bmsrescue.card.check import JOB_FILE
from bmsrescue.card.fat import make_image
from bmsrescue.image.contents import Segment
from bmsrescue.twin.board.unit import Unit
from bmsrescue.twin.firmware import HEADER_OFFSET, PINS, VERSION_ADDRESS, image_bytes
from bmsrescue.twin.rig import scenario_named
from bmsrescue.twin.scenarios.scenario import build_unit
from rescuelink.targets import FLASH_BASE

SECTOR_BYTES = 128 * 1024
_HEAD_BYTES = 4096
_TAIL_BYTES = 1024
_LENGTH_AT = HEADER_OFFSET + 24
_SUM_AT = HEADER_OFFSET + 28


@cache
def small_image(version: str) -> bytes:
    """The application `version`: its code in sector 0, the rest of its tables in sector 1."""
    whole = image_bytes(version)
    tables_at = _tables_at(whole)
    image = bytearray(b"\xff" * (SECTOR_BYTES + _TAIL_BYTES))
    image[:_HEAD_BYTES] = whole[:_HEAD_BYTES]
    image[SECTOR_BYTES:] = whole[SECTOR_BYTES : SECTOR_BYTES + _TAIL_BYTES - 16] + version.encode().ljust(16, b".")
    in_flash = bytes(image).ljust(len(whole), b"\xff")
    struct.pack_into("<I", image, _LENGTH_AT, len(image))
    struct.pack_into("<I", image, _SUM_AT, _sum(in_flash[tables_at:]))
    return bytes(image)


def small_card(version: str = "1.2.0") -> bytearray:
    """A card that brings `small_image(version)`."""
    files = describe_job(f"bms-{version}", version, [Segment(FLASH_BASE, small_image(version))])
    document = json.loads(files[JOB_FILE])
    document["image"]["version_address"] = f"0x{VERSION_ADDRESS:08x}"
    document["latch"] = {"pin": PINS["latch"], "off": "low"}
    return make_image({**files, JOB_FILE: json.dumps(document).encode()})


def small_unit(name: str) -> Unit:
    """A unit of the twin with the small application, broken as `half-on`, `interrupted-program` or `blank` tell it."""
    unit = build_unit(scenario_named("healthy"), 0)
    flash = unit.chip.flash
    for sector in range(7):
        flash.blank(sector)
    if name == "half-on":
        flash.load(FLASH_BASE, small_image("1.1.0"))
        flash.blank(0)
    elif name == "interrupted-program":
        cut = _HEAD_BYTES // 2
        flash.load(FLASH_BASE, small_image("1.2.0")[:cut])
        flash.tear(FLASH_BASE + cut)
    elif name != "blank":
        raise ValueError(f"no small unit is called {name}")
    return unit


def _tables_at(image: bytes) -> int:
    """Where the tables begin that the header's sum is of: they reach to the image's end."""
    (wanted,) = struct.unpack_from("<I", image, _SUM_AT)
    total = 0
    for at in range(len(image) - 4, _LENGTH_AT, -4):
        total = (total + int.from_bytes(image[at : at + 4], "little")) & 0xFFFFFFFF
        if total == wanted and at % 32 == 0:
            return at
    raise ValueError("the image's sum is not that of its tables")


def _sum(data: bytes) -> int:
    return sum(struct.unpack(f"<{len(data) // 4}I", data)) & 0xFFFFFFFF
