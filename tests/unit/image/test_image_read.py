"""A firmware file of any kind becomes exactly the bytes that its author meant, or is refused with what to do.

The bytes are held against other readers and writers (objcopy, intelhex); what is right for a damaged file is worked out
from the damage done.
"""

from __future__ import annotations

import gzip
import random
import shutil
import struct
import subprocess
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bmsrescue.image.contents import Contents, ImageFileError, Segment
from bmsrescue.image.linked_at import linked_at
from bmsrescue.image.read import Firmware, read_firmware
from bmsrescue.twin.firmware import image_bytes
from fuzzing.kinds import APP, FLASH, app, dfuse_of, elf_of, hex_of, mcuboot_of, uf2_of, zip_of

OBJCOPY = shutil.which("arm-none-eabi-objcopy")


GOOD = app()


def objcopy_srec_of(data: bytes, tmp_path: Path) -> bytes:
    assert OBJCOPY, "install binutils-arm-none-eabi"
    (tmp_path / "in.bin").write_bytes(data)
    command = [OBJCOPY, "-I", "binary", "-O", "srec", f"--change-addresses={FLASH}", "in.bin", "out.srec"]
    subprocess.run(command, cwd=tmp_path, check=True, timeout=30)
    return (tmp_path / "out.srec").read_bytes()


def read(content: bytes, name: str = "fw.bin", base: int | None = None, only_flash: bool = False) -> Firmware:
    return read_firmware(content, name, base, only_flash)


def refusal(content: bytes, name: str = "fw.bin", base: int | None = None) -> str:
    with pytest.raises(ImageFileError) as refused:
        read(content, name, base)
    assert refused.value.next_step
    return f"{refused.value.message} | {refused.value.next_step}"


KINDS: dict[str, Callable[[bytes], bytes]] = {
    "Intel HEX": hex_of,
    "ELF": lambda data: elf_of((FLASH, data)),
    "DfuSe": dfuse_of,
    "UF2": uf2_of,
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_told_by_its_content_and_gives_the_same_bytes(kind: str) -> None:
    found = read(KINDS[kind](GOOD), "firmware.anything")
    assert (found.format, found.segments, found.boot_address) == (kind, [Segment(FLASH, GOOD)], FLASH)


@pytest.mark.skipif(OBJCOPY is None, reason="needs arm-none-eabi-objcopy")
def test_an_s_record_of_objcopy_gives_the_same_bytes(tmp_path: Path) -> None:
    text = objcopy_srec_of(GOOD, tmp_path)
    assert read(text).segments == [Segment(FLASH, GOOD)]
    assert "line" in refusal(text.replace(b"A5A5A5", b"A5A5A4", 1))
    assert "ends early" in refusal(b"\n".join(text.splitlines()[:-1]))
    assert "goes on behind its end record" in refusal(text + text)


@pytest.mark.parametrize("kind", KINDS)
def test_no_cut_of_any_kind_passes_for_the_whole(kind: str) -> None:
    whole = KINDS[kind](GOOD)
    random_cuts = random.Random(kind).sample(range(64, len(whole) - 2), 40)
    for cut in [*random_cuts, len(whole) - 40]:
        try:
            found = read(whole[:cut], "cut.bin")
        except ImageFileError:
            continue
        assert found.segments == [Segment(FLASH, GOOD)], cut


@pytest.mark.parametrize(
    "wrapped", [zip_of(fw__bin=GOOD, readme__txt=b"hello"), gzip.compress(GOOD, mtime=0)], ids=["zip", "gzip"]
)
def test_a_packed_file_is_unpacked(wrapped: bytes) -> None:
    assert read(wrapped, "fw.zip").segments == [Segment(FLASH, GOOD)]
    assert refusal(wrapped[: len(wrapped) // 2], "fw.zip")


def test_an_archive_with_two_firmwares_asks_which() -> None:
    assert "one.bin, two.hex" in refusal(zip_of(one__bin=GOOD, two__hex=hex_of(GOOD)), "fw.zip")


def test_a_signed_image_is_written_whole_with_its_version() -> None:
    signed = mcuboot_of(app(APP + 0x200))
    found = read(signed, base=APP)
    assert (found.version, found.boot_address) == ("1.2.3+4", APP + 0x200)
    assert found.segments == [Segment(APP, signed)]
    assert "--base 0x08020000" in refusal(signed)
    assert "encrypted" in refusal(mcuboot_of(app(APP + 0x200), flags=4))
    assert "ends early" in refusal(signed[:-64])


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"<!DOCTYPE html><html>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n", "Git LFS"),
        (b"hello world\n", "is a text"),
        (b"%PDF-1.7 ", "PDF"),
        (b"7z\xbc\xaf\x27\x1c", "7-Zip"),
        (random.Random(1).randbytes(65_536), "packed or encrypted"),
        (b"\xff" * 4096, "blank"),
        (elf_of((FLASH, GOOD)).replace(b"\x02\x00\x28\x00", b"\x02\x00\x3e\x00", 1), "not for an Arm core"),
    ],
    ids=["empty", "web page", "LFS", "text", "PDF", "7-Zip", "noise", "blank", "other core"],
)
def test_what_is_no_firmware_is_named_for_what_it_is(content: bytes, says: str) -> None:
    assert says in refusal(content)


@pytest.mark.parametrize("size", [4096, 200 * 1024])
def test_raw_bytes_linked_for_another_address_are_refused_with_that_address(size: int) -> None:
    data = app(APP, size)
    assert "linked for 0x08020000" in refusal(data)
    assert "Give --base 0x08020000" in refusal(data)
    found = read(data, base=APP)
    assert (found.segments, found.boot_address) == ([Segment(APP, data)], APP)
    assert "linked for 0x08020000" in refusal(data, base=FLASH)


def test_chance_does_not_make_a_base() -> None:
    # Four of ten places look like the beginning of a function, as in firmware of some size.
    dice = random.Random(7)
    words = [dice.choice([0xB510, 0x4800, 0x1234, 0x5678, 0x9ABC]) for _ in range(0x8000)]
    starts = sorted(dice.sample(range(0x400, 0x8000), 600))
    for at in starts:
        words[at] = 0xB570
    data = bytearray(struct.pack("<32768H", *words))
    targets = [APP + 2 * at + 1 for at in starts]
    data[:664] = struct.pack("<166I", 0x2002_0000, *targets[:165])
    data[0x1000 : 0x1000 + 4 * 600] = struct.pack("<600I", *targets)
    data += data[0x2000:] * 3  # its addresses lie inside at 0x08000000, too
    reset = targets[0] - 1 - FLASH
    data[reset : reset + 2] = b"\x70\xb5"
    assert "Give --base 0x08020000" in refusal(bytes(data))
    assert read(bytes(data), base=APP).boot_address == APP


def test_the_projects_own_firmware_is_found_where_it_was_linked() -> None:
    for version in ("1.1.0", "1.2.0"):
        found = linked_at(image_bytes(version))
        assert found is not None
        assert found.base == FLASH


def test_base_belongs_to_raw_bytes() -> None:
    assert "Leave --base out" in refusal(hex_of(GOOD), base=APP)
    assert "outside the flash" in refusal(GOOD, base=0x2400_0000)
    assert "multiple of 32" in refusal(GOOD, base=FLASH + 4)


def test_blank_ends_and_blank_sectors_are_no_image() -> None:
    padded = GOOD + b"\xff" * ((1 << 20) - len(GOOD))
    assert read(padded).segments == [Segment(FLASH, GOOD)]
    with_hole = GOOD.ljust(0x4_0000, b"\xff") + b"\x01" * 64
    assert read(with_hole).segments == [Segment(FLASH, GOOD), Segment(FLASH + 0x4_0000, b"\x01" * 64)]


def test_what_lies_elsewhere_is_named_and_can_be_left_out() -> None:
    file = elf_of((FLASH, GOOD), (0x9000_0000, b"font" * 100))
    assert "an external flash (QSPI, OCTOSPI)" in refusal(file)
    found = read(file, only_flash=True)
    assert found.segments == [Segment(FLASH, GOOD)]
    assert "400 bytes for 0x90000000" in found.notes[0]
    for address, place in ((0x2400_0000, "RAM"), (0x5200_201C, "option bytes"), (0x1FF0_0000, "system memory")):
        assert place in refusal(elf_of((FLASH, GOOD), (address, b"1234")))


def test_a_hex_with_byte_order_mark_comments_and_blanks_is_read() -> None:
    text = b"\xef\xbb\xbf# made by hand\r\n\r\n  " + hex_of(GOOD).replace(b"\n", b"  \r\n") + b"\r\n\x1a"
    assert read(text).segments == [Segment(FLASH, GOOD)]
    assert "goes on behind its end record" in refusal(hex_of(GOOD) + hex_of(GOOD))
    assert "damaged record in line 5" in refusal(hex_of(GOOD).replace(b"A5A5", b"A5A4", 1)) or "line" in refusal(
        hex_of(GOOD).replace(b"A5A5", b"A5A4", 1)
    )


def test_headers_that_a_linker_put_into_a_segment_are_no_firmware() -> None:
    file = bytearray(elf_of((FLASH, GOOD), (APP, GOOD)))
    headers = 52 + 64
    file[84:116] = struct.pack("<8I", 1, 0, APP, APP, headers + len(GOOD), headers + len(GOOD), 5, 4)
    found = read(bytes(file))
    assert found.segments[0] == Segment(FLASH, GOOD)
    assert b"\x7fELF" not in b"".join(segment.data for segment in found.segments)
    assert found.segments[1] == Segment(APP + headers, GOOD)


pieces = st.lists(st.tuples(st.integers(0, 300), st.binary(min_size=1, max_size=60)), max_size=12)


@settings(max_examples=300, deadline=None)
@given(pieces)
def test_pieces_in_any_order_give_the_bytes_that_each_names_or_a_refusal(made: list[tuple[int, bytes]]) -> None:
    wanted: dict[int, int] = {}
    clash = False
    for address, data in made:
        for at, byte in enumerate(data, address):
            clash |= wanted.setdefault(at, byte) != byte
    contents = Contents("fw")
    try:
        for address, data in made:
            contents.add(address, data)
        found = contents.segments()
    except ImageFileError:
        assert clash
        return
    assert not clash
    assert {at: byte for part in found for at, byte in enumerate(part.data, part.address)} == wanted
    assert all(a.end < b.address for a, b in pairwise(found))
