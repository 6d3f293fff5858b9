"""What makers hand out beside plain images: headers, glued parts, UF2 of several families, DFU suffixes, encryption."""

from __future__ import annotations

import random
import struct
import zlib

import pytest

from bmsrescue.image.contents import ImageFileError
from bmsrescue.image.inspect import inspect
from bmsrescue.image.read import Firmware, read_firmware
from bmsrescue.twin.firmware import image_bytes
from fuzzing.kinds import APP, FLASH, dfu_sealed, hex_of, mcuboot_of, uf2_of, varied

STM32H7, RP2040 = 0x6DB6_6082, 0xE48B_FF56  # uf2families.json
# The example of UF2's README: version 0.1.2 for "ACME Toaster mk3".
TAGS = bytes.fromhex(
    "09 bc c7 9f 30 2e 31 2e 32 00 00 00 14 9d 0d 65 41 43 4d 45 20 54 6f 61 73 74 65 72 20 6d 6b 33 ff ff ff ff"
)


def segments(firmware: Firmware) -> list[tuple[int, bytes]]:
    return [(segment.address, segment.data) for segment in firmware.segments]


def header(body: bytes, length: int) -> bytes:
    """A maker's: magic, length, CRC-32, a product, nothing else."""
    return (b"BMSF" + struct.pack("<II", len(body), zlib.crc32(body)) + b"PACE-P16S100A").ljust(length, b"\0")[:length]


def uf2_with(data: bytes, flags: int, family: int, tags: bytes = b"") -> bytes:
    blocks = []
    for at in range(0, len(whole := uf2_of(data)), 512):
        block = bytearray(whole[at : at + 512])
        length = struct.unpack_from("<I", block, 16)[0]
        struct.pack_into("<I", block, 8, flags)
        struct.pack_into("<I", block, 28, family)
        block[32 + length : 32 + length + len(tags)] = tags
        blocks.append(bytes(block))
    return b"".join(blocks)


@pytest.mark.parametrize("length", [16, 25, 64, 512, 1000])
@pytest.mark.parametrize("body", [image_bytes(), varied()], ids=["the demo firmware", "a small one"])
def test_a_header_in_front_of_the_vectors_is_left_out_and_told(length: int, body: bytes) -> None:
    firmware = read_firmware(header(body, length) + body, "update.bin")
    assert segments(firmware) == [(FLASH, body)]
    assert firmware.boot_address == FLASH
    assert f"left out: a header of {length} bytes, with its length and its CRC-32" in firmware.notes[0]


def test_a_header_that_the_application_is_linked_behind_belongs_into_the_flash() -> None:
    body = varied(APP + 0x200)
    whole = header(body, 0x200) + body
    firmware = read_firmware(whole, "slot.bin")
    assert segments(firmware) == [(APP, whole)]
    assert firmware.boot_address == APP + 0x200


def test_an_application_behind_a_header_goes_where_it_is_linked() -> None:
    body = varied(APP)
    assert segments(read_firmware(header(body, 64) + body, "app.bin")) == [(APP, body)]


@pytest.mark.parametrize("gap", [0, 100])
def test_two_parts_in_one_file_go_each_to_its_place(gap: int) -> None:
    loader, app = varied(size=5000), varied(APP, 9000)
    firmware = read_firmware(loader + b"\xff" * gap + app, "both.bin")
    assert [(at, data.rstrip(b"\xff")) for at, data in segments(firmware)] == [(FLASH, loader), (APP, app)]
    assert "a further part in the file is linked for 0x08020000" in firmware.notes


def test_a_loader_with_its_application_in_place_is_one_image() -> None:
    loader, app = varied(size=5000).ljust(APP - FLASH, b"\0"), varied(APP, 9000)
    assert segments(read_firmware(loader + app, "both.bin")) == [(FLASH, loader + app)]


def test_a_copy_of_the_vector_table_is_no_second_part() -> None:
    body = varied(size=6000)
    whole = body + body[:664] + body[2000:3000]
    assert segments(read_firmware(whole, "fw.bin")) == [(FLASH, whole)]


def test_two_parts_for_one_place_are_refused() -> None:
    with pytest.raises(ImageFileError, match="has two parts, and the second, at 5000 in the file"):
        read_firmware(varied(size=5000) + varied(size=9000), "both.bin")


def test_uf2_says_its_family_version_and_device() -> None:
    firmware = read_firmware(uf2_with(varied(), 0xA000, STM32H7, TAGS), "fw.uf2")
    assert segments(firmware) == [(FLASH, varied())]
    assert firmware.version == "0.1.2"
    assert "it says it is for: ACME Toaster mk3" in firmware.notes


def test_uf2_for_two_chips_gives_what_is_for_ours() -> None:
    both = uf2_with(bytes(3000), 0x2000, RP2040) + uf2_with(varied(), 0x2000, STM32H7)
    firmware = read_firmware(both, "fw.uf2")
    assert segments(firmware) == [(FLASH, varied())]
    assert firmware.notes == ["left out: what it has for RP2040"]
    with pytest.raises(ImageFileError, match="is made for RP2040, not for an STM32H7"):
        read_firmware(uf2_with(varied(), 0x2000, RP2040), "pico.uf2")


def test_sources_embedded_in_uf2_are_no_missing_blocks() -> None:
    blocks = uf2_of(varied())
    count = len(blocks) // 512
    extra = bytearray(uf2_with(b"source".ljust(256), 1, 0))
    struct.pack_into("<I", extra, 20, count)
    numbered = bytearray(blocks + bytes(extra))
    for at in range(0, len(numbered), 512):
        struct.pack_into("<I", numbered, at + 24, count + 1)
    assert segments(read_firmware(bytes(numbered), "fw.uf2")) == [(FLASH, varied())]
    with pytest.raises(ImageFileError, match=f"has {count} of {count + 1} blocks"):
        read_firmware(bytes(numbered[:-512]), "fw.uf2")


def test_uf2_of_files_alone_is_refused() -> None:
    with pytest.raises(ImageFileError, match="files for a device's own file system"):
        read_firmware(uf2_with(varied(), 0x1000, 0), "files.uf2")


def test_a_dfu_suffix_is_taken_off() -> None:
    suffixed = dfu_sealed(image_bytes() + struct.pack("<HHHH3sB", 0xFFFF, 0xDF11, 0x0483, 0x0100, b"UFD", 16))
    firmware = read_firmware(suffixed, "fw.dfu")
    assert (firmware.format, segments(firmware)) == ("DFU, raw bytes", [(FLASH, image_bytes())])
    with pytest.raises(ImageFileError, match="its CRC is wrong"):
        read_firmware(suffixed[:100] + b"\1" + suffixed[101:], "fw.dfu")


def test_a_signed_image_as_hex_is_started_behind_its_header() -> None:
    signed = mcuboot_of(varied(APP + 0x200))
    firmware = read_firmware(hex_of(signed, APP), "signed.hex")
    assert firmware.boot_address == APP + 0x200
    assert inspect(firmware)["vectors"]["address"] == APP + 0x200


@pytest.mark.parametrize("front", [0, 256, 4096, 16384])
def test_an_encrypted_file_is_named_whatever_stands_in_front_of_it(front: int) -> None:
    secret = random.Random(front).randbytes(60_000)
    with pytest.raises(ImageFileError) as refused:
        read_firmware(b"VENDOR UPDATE 1.2.0".ljust(front, b"\0")[:front] + secret, "update.bin")
    assert "packed or encrypted" in refused.value.message
    assert "Only the maker's own bootloader can use it" in refused.value.next_step


def test_code_is_not_taken_for_noise() -> None:
    firmware = read_firmware(image_bytes()[64:], "fw.bin", base=FLASH + 64)
    assert firmware.boot_address is None
