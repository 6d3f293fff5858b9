"""Raw bytes that end before their firmware does are told; whole ones are not."""

from __future__ import annotations

import struct

import pytest

from bmsrescue.image.cut_short import cut_short
from bmsrescue.image.read import read_firmware
from bmsrescue.twin.firmware import image_bytes
from fuzzing.kinds import FLASH
from repository import ROOT

STYLES = ROOT / "tests" / "images" / "start_up"
FUNCTIONS, LENGTH = 60, 64
DATA = 200


def bl(at: int, target: int) -> bytes:
    """A call from `at` to `target`, both offsets in the image, less than 4 MiB apart."""
    way = target - at - 4
    sign = way < 0
    return struct.pack("<HH", 0xF000 | sign << 10 | way >> 12 & 0x3FF, 0xF800 | way >> 1 & 0x7FF)


def linked(handlers: int = 20) -> bytes:
    """A program as a linker leaves it: vectors, start-up code, functions that call those behind them, data at the end.

    The start-up code loads where its data begins and ends in RAM, and where it lies in flash.
    """
    start = 0x100
    end = start + LENGTH * (FUNCTIONS + 1)
    table = [0x2002_0000, FLASH + start | 1] + [FLASH + start + LENGTH | 1] * handlers
    image = bytearray(struct.pack(f"<{len(table)}I", *table).ljust(start, b"\0"))
    loads = struct.pack("<8H", 0x4807, 0x4908, 0x4A08, 0xBF00, 0xBF00, 0xBF00, 0xBF00, 0xE7FE)
    image += loads.ljust(32, b"\0") + struct.pack("<3I", 0x2000_0000, 0x2000_0000 + DATA, FLASH + end)
    image = image.ljust(start + LENGTH, b"\0")
    for number in range(FUNCTIONS):
        here = len(image)
        image += struct.pack("<H", 0xB510) + bl(here + 2, start + LENGTH * (1 + (number + 20) % FUNCTIONS))
        image += struct.pack("<H", 0xBD10)
        image = image.ljust(here + LENGTH, b"\0")
    return bytes(image) + bytes(range(DATA))


def test_a_whole_program_is_not_called_cut() -> None:
    assert cut_short(linked(), FLASH) == ""
    assert read_firmware(linked(), "whole.bin").notes == []


@pytest.mark.parametrize("length", [len(linked()) - 4, len(linked()) - DATA - 4, len(linked()) // 2])
def test_data_that_the_start_up_code_copies_and_the_file_lacks_is_told(length: int) -> None:
    notes = read_firmware(linked()[:length], "cut.bin").notes
    assert "cut short: its start-up code copies data" in notes[0]


def test_calls_behind_the_end_are_told_where_the_start_up_code_says_nothing() -> None:
    silent = bytearray(linked())
    silent[0x100:0x108] = struct.pack("<4H", *[0xBF00] * 4)
    assert cut_short(bytes(silent), FLASH) == ""
    assert "calls lead behind its end" in cut_short(bytes(silent[: len(silent) // 2]), FLASH)


def test_a_handler_behind_the_end_is_told() -> None:
    whole = bytearray(linked())
    struct.pack_into("<I", whole, 4 * 5, FLASH + len(whole) - DATA - 2 * LENGTH | 1)
    assert cut_short(bytes(whole), FLASH) == ""
    assert "handlers lie behind its end" in cut_short(bytes(whole[: len(whole) // 2]), FLASH)


@pytest.mark.parametrize("name", ["cmsis", "libopencm3", "bare"])
def test_compiled_programs_of_three_styles_are_whole(name: str) -> None:
    assert read_firmware((STYLES / f"{name}.bin").read_bytes(), "whole.bin").notes == []


def test_a_compiled_program_without_its_last_bytes_is_told() -> None:
    whole = (STYLES / "libopencm3.bin").read_bytes()
    assert "copies data" in read_firmware(whole[:-20], "cut.bin").notes[0]


def test_the_demo_firmware_is_whole() -> None:
    assert read_firmware(image_bytes(), "bms.bin").notes == []
