"""`bmsrescue image inspect`: what can be read off a firmware file."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import zlib
from pathlib import Path

from PIL import Image

from bmsrescue.image.contents import Segment
from bmsrescue.image.inspect import entropy_map, inspect, sealed_blocks
from bmsrescue.image.read import Firmware, read_firmware
from bmsrescue.twin.firmware import image_bytes

COMMAND = Path(sys.executable).parent / "bmsrescue"
FLASH = 0x0800_0000


def test_the_demo_firmware_is_told_by_its_own_bytes() -> None:
    found = inspect(read_firmware(image_bytes("1.2.0"), "bms.bin"))
    assert found["format"] == "raw bytes (BIN)"
    assert found["vectors"]["address"] == found["linked_at"]["address"] == FLASH
    assert ("version", "1.2.0") in [(marker["kind"], marker["text"]) for marker in found["markers"]]
    json.dumps(found)


def test_a_block_with_its_own_crc_is_named_with_its_length() -> None:
    block = random.Random(3).randbytes(508)
    sealed = block + zlib.crc32(block).to_bytes(4, "little")
    data = bytes(2048) + sealed + b"\xa5" * 1536
    assert [(found.address, found.length) for found in sealed_blocks([Segment(FLASH, data)])] == [(FLASH + 2048, 512)]
    assert sealed_blocks([Segment(FLASH, random.Random(4).randbytes(4096))]) == []


def test_entropy_tells_blank_text_and_noise_apart() -> None:
    data = b"\xff" * 1024 + (b"cell voltage " * 79)[:1024] + random.Random(5).randbytes(1024)
    blank, text, noise = entropy_map(data)
    assert blank == 0
    assert 2 < text < 4.5
    assert noise > 7.7


def test_the_compiler_is_named_where_it_says_so() -> None:
    code = b"\0" * 64 + b"GCC: (Arm GNU Toolchain) 12.2.1\0" + b"Zephyr\0"
    found = inspect(Firmware("ELF", [Segment(FLASH, code)]))
    assert (found["compiler"], found["system"]) == ("GCC: (Arm GNU Toolchain) 12.2.1", ["Zephyr"])
    assert found["vectors"] is None


def test_the_command_draws_the_map_and_speaks_json(tmp_path: Path) -> None:
    (tmp_path / "fw.bin").write_bytes(image_bytes("1.2.0"))
    command = [COMMAND, "image", "inspect", "fw.bin", "--picture", "map.png"]
    said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert said.returncode == 0, said.stderr
    assert "linked at  0x08000000" in said.stdout
    with Image.open(tmp_path / "map.png") as picture:
        colours = picture.convert("RGB").getcolors(1 << 16)
    assert colours is not None
    assert (0x31, 0x82, 0xBD) in [colour for _count, colour in colours]
    again = subprocess.run([*command, "--json"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (again.returncode, json.loads(again.stdout)["error"]["kind"]) == (2, "usage")
    missing = subprocess.run([COMMAND, "image", "inspect", "no.bin"], cwd=tmp_path, capture_output=True, timeout=60)
    assert missing.returncode == 2
