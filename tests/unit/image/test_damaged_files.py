"""Damaged firmware files, jobs and cards: never a crash, never bytes that another reader does not find, no file lost.

`make fuzz` runs ten thousand of them; here are a few hundred other ones, and what was found once.
"""

from __future__ import annotations

import gzip
import struct

import pytest

from bmsrescue.image.contents import ImageFileError
from bmsrescue.image.read import read_firmware
from fuzzing import judges
from fuzzing.campaign import run
from fuzzing.kinds import FLASH, elf_with_sections_of, mcuboot_of, srec_of, varied

FIRST = 50_000
# Seeds of `make fuzz` by what was found with them.
FOUND = {
    99: "an ELF whose section table another reader refuses",
    176: "something behind the end of a gzip file was not looked at",
    257: "a ZIP directory that points in front of the file: ValueError",
    298: "a byte more in the middle of an ELF: all behind it was written one byte off",
    420: "a file of a damaged card that cannot be read: OSError",
    608: "a section that lies in another place than its segment says",
    1005: "an alignment that is no power of two",
    1366: "a segment that is not loaded any more: the vectors were left out",
    1680: "a damaged FAT: the library's own error cannot be made",
    5715: "a ZIP whose first bytes are gone was taken for raw bytes",
    7290: "a card with a damaged folder",
}


@pytest.mark.skipif(judges.OBJCOPY is None, reason="needs arm-none-eabi-objcopy")
@pytest.mark.parametrize("share", range(3))
def test_damaged_files_are_refused_or_taken_as_other_readers_have_them(share: int) -> None:
    tally = run(100, FIRST + 100 * share)
    assert (tally.crashes, tally.wrong, tally.lost) == ([], [], [])
    taken = sum(row.taken for row in tally.rows.values())
    assert 15 < taken < 85
    assert sum(row.judged for row in tally.rows.values()) > 0.9 * taken


@pytest.mark.skipif(judges.OBJCOPY is None, reason="needs arm-none-eabi-objcopy")
@pytest.mark.parametrize("seed", FOUND)
def test_what_was_found_stays_mended(seed: int) -> None:
    tally = run(1, seed)
    assert (tally.crashes, tally.wrong, tally.lost) == ([], [], []), FOUND[seed]


def refusal(content: bytes) -> str:
    with pytest.raises(ImageFileError) as refused:
        read_firmware(content, "fw")
    assert refused.value.next_step
    return refused.value.message


def test_no_byte_more_or_less_in_an_elf_passes() -> None:
    whole = elf_with_sections_of(varied())
    for at in range(52, len(whole), 97):
        assert refusal(whole[:at] + b"\0" + whole[at:])
        assert refusal(whole[:at] + whole[at + 1 :])


def test_a_section_that_no_segment_loads_is_no_whole_firmware() -> None:
    damaged = bytearray(elf_with_sections_of(varied()))
    struct.pack_into("<I", damaged, 52 + 32, 4)  # the second segment becomes a note
    assert "lies in none of its segments" in refusal(bytes(damaged))
    damaged = bytearray(elf_with_sections_of(varied()))
    struct.pack_into("<I", damaged, 52 + 32 + 12, FLASH + 0x2_0000)  # and here it is loaded elsewhere
    assert read_firmware(bytes(damaged), "fw").segments[1].address == FLASH + 0x2_0000


def test_what_follows_the_end_of_an_archive_or_a_signed_image_is_told() -> None:
    assert "goes on behind its end" in refusal(gzip.compress(srec_of(varied())) + b"more")
    assert "goes on behind its MCUboot trailer" in refusal(mcuboot_of(varied(FLASH + 0x200)) + b"more")
    signed = mcuboot_of(varied(FLASH + 0x200))
    assert "another SHA-256" in refusal(signed[:3000] + b"\x01" + signed[3001:])
    padded = signed.ljust(0x2000, b"\xff")
    assert read_firmware(padded, "fw").segments[0].data == signed.ljust(-(-len(signed) // 32) * 32, b"\xff")
