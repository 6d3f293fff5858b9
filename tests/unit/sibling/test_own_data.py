"""What is told apart in good units' flashes: the truth is what was put into them."""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from bmsrescue.image.whole_flash import Span
from bmsrescue.sibling import chart
from bmsrescue.sibling.good import Backup, SiblingError, load_good
from bmsrescue.sibling.job import build_job
from bmsrescue.sibling.own import FlashMap, map_of
from bmsrescue.sibling.seals import CHECKS, crc32_blocks_that_end, seal_of

FLASH, SECTOR, SIZE = 0x0800_0000, 0x2_0000, 1 << 20
UIDS = ("41434D433431501600800092", "41434D433431501600800093")
BODIES = Path(__file__).parents[2] / "images" / "start_up"


def program(base: int = FLASH, size: int = 40_000, seal: bool = False, version: str = "1.2.0") -> bytes:
    """Vectors, functions that begin as functions do, a product and a version, and noise for its tables."""
    data = bytearray(Random(f"program {base} {size} {version}").randbytes(size))
    data[:664] = struct.pack("<166I", 0x2002_0000, base + 0x401, *[base + 0x501] * 164)
    data[0x400:0x406] = b"\x00\x20\x40\x1c\xfd\xe7"
    data[0x500:0x502] = b"\xfe\xe7"
    data[0x600:0x620] = version.encode().ljust(16, b"\0") + b"PACE-P16S100A\0\0\0"
    if seal:
        data[-4:] = zlib.crc32(data[:-4]).to_bytes(4, "little")
    return bytes(data)


def flash(*pieces: tuple[int, bytes], size: int = SIZE) -> bytes:
    data = bytearray(b"\xff" * size)
    for address, piece in pieces:
        data[address - FLASH : address - FLASH + len(piece)] = piece
    return bytes(data)


def units(*contents: bytes, chip: str = "STM32H725") -> list[Backup]:
    return [Backup(f"good{n}.bin", data, chip, UIDS[n]) for n, data in enumerate(contents)]


def kinds(found: FlashMap, address: int, length: int) -> set[str]:
    """What the map says of these bytes; "erased" where it names none."""
    low, high = address - FLASH, address - FLASH + length
    here = {part.kind for part in found.parts if part.start < high and low < part.end}
    covered = sum(
        min(high, part.end) - max(low, part.start) for part in found.parts if part.start < high and low < part.end
    )
    return here if covered == length else here | {"erased"}


def sealed(seed: object, length: int) -> bytes:
    body = Random(f"sealed {seed}").randbytes(length - 4)
    return body + zlib.crc32(body).to_bytes(4, "little")


def test_a_seal_is_found_by_its_end_alone() -> None:
    draw = Random(5)
    for length in (36, 128, 1000, 4096):
        block = sealed(length, length)
        front = draw.randbytes(4 * draw.randrange(2000))
        assert crc32_blocks_that_end(front + block, len(front + block)) == len(front)
        spoiled = front + block[:-1] + bytes([block[-1] ^ 1])
        assert crc32_blocks_that_end(spoiled, len(spoiled)) is None


@pytest.mark.parametrize(
    ("name", "check"),
    [
        ("CRC-32", lambda body: zlib.crc32(body).to_bytes(4, "little")),
        ("SHA-256", lambda body: hashlib.sha256(body).digest()),
        ("MD5", lambda body: hashlib.md5(body, usedforsecurity=False).digest()),
        ("sum of words", lambda body: (sum(struct.unpack("<30I", body)) & 0xFFFF_FFFF).to_bytes(4, "little")),
    ],
)
def test_seals_in_front_and_behind(name: str, check: Callable[[bytes], bytes]) -> None:
    body = Random(name).randbytes(120)
    assert seal_of(body + check(body)) == name
    assert seal_of(check(body) + body) == f"{name} in front"
    spoiled = bytes([body[0] ^ 1]) + body[1:]
    assert seal_of(spoiled + check(body)) is None


# The check of "123456789" in the catalogue of CRCs (reveng).
@pytest.mark.parametrize(
    ("name", "check"),
    [
        ("CRC-32/MPEG-2", "0376e6e7"),
        ("CRC-32C", "e3069283"),
        ("CRC-16/MODBUS", "4b37"),
        ("CRC-16/CCITT", "29b1"),
        ("CRC-16/XMODEM", "31c3"),
    ],
)
def test_seals_of_the_catalogue(name: str, check: str) -> None:
    (found,) = [one for known, _size, one in CHECKS if known == name]
    assert found(b"123456789")[::-1].hex() == check


def test_what_differs_is_own_and_what_is_equal_is_the_program() -> None:
    body = program()
    own = [flash((FLASH, body), (0x0801_8000, sealed(n, 300)), (0x080E_0000, sealed(n + 9, 128))) for n in (1, 2)]
    found = map_of(units(*own))
    assert kinds(found, FLASH, len(body)) == {"image"}
    assert kinds(found, 0x0801_8000, 300) == {"own"}
    assert kinds(found, 0x080E_0000, 128) == {"own"}


def test_a_block_inside_the_code_is_known_to_its_ends_by_its_seal() -> None:
    """Two units whose calibration differs in four bytes in the middle: a third unit's may differ anywhere in it."""
    blocks = []
    for value in (1, 2):
        body = bytearray(Random("calibration").randbytes(508))
        body[200:204] = value.to_bytes(4, "little") * 1
        blocks.append(bytes(body) + zlib.crc32(bytes(body)).to_bytes(4, "little"))
    at = 0x3000
    bodies = [program()[:at] + block + program()[at + 512 :] for block in blocks]
    found = map_of(units(*[flash((FLASH, body)) for body in bodies]))
    assert kinds(found, FLASH + at, 512) == {"own"}
    assert kinds(found, FLASH, at) == {"image"}
    assert kinds(found, FLASH + at + 512, 40_000 - at - 512) == {"image"}


def test_the_chips_number_and_a_serial_number_are_own_in_a_single_unit() -> None:
    uid = UIDS[0]
    raw = b"".join(bytes.fromhex(uid[at : at + 8])[::-1] for at in (16, 8, 0))
    body = bytearray(program())
    body[0x2000:0x200C] = raw
    body[0x2400:0x2418] = uid.lower().encode()
    body[0x2800:0x2810] = b"\0BR16S-24000001\0"
    found = map_of(units(flash((FLASH, bytes(body)))))
    for at, length in ((0x2000, 12), (0x2400, 24), (0x2801, 14)):
        assert kinds(found, FLASH + at, length) == {"own"}
    assert len(found.of("own")) == 3


@pytest.mark.parametrize("seal", [False, True])
def test_a_single_unit_without_seals_leaves_things_untold(seal: bool) -> None:
    body = program(seal=seal)
    content = flash((FLASH, body), (0x0801_8000, b"setting=1;limit=2\0"), (0x080C_0000, bytes(range(1, 200))))
    found = map_of(units(content))
    assert kinds(found, 0x0801_8000, 18) == {"unknown"}
    assert kinds(found, 0x080C_0000, 199) == {"unknown"}
    built, _found = build_job(found, None)
    assert any("RECOVERED_CHECK_CONFIG" in note for note in built.notes)


def test_a_single_unit_whose_program_and_data_are_sealed_is_enough() -> None:
    content = flash((FLASH, program(seal=True)), (0x080E_0000, sealed(1, 128)))
    found = map_of(units(content))
    assert found.is_whole
    built, _found = build_job(found, None)
    assert not any("RECOVERED_CHECK_CONFIG" in note for note in built.notes)


def test_a_bootloader_and_an_application_behind_it_are_both_taken() -> None:
    app = FLASH + SECTOR
    content = [
        flash((FLASH, program(size=9000)), (app, program(app, 70_000)), (0x080E_0000, sealed(n, 64))) for n in (1, 2)
    ]
    found = map_of(units(*content))
    assert kinds(found, FLASH, 9000) == kinds(found, app, 70_000) == {"image"}
    assert kinds(found, 0x080E_0000, 64) == {"own"}


def test_code_behind_erased_flash_that_is_called_is_taken() -> None:
    body = bytearray(program(size=4096))
    far = FLASH + 0x4000
    piece = bytearray(Random("far").randbytes(1024))
    for n in range(4):
        piece[64 * n : 64 * n + 2] = b"\x10\xb5"  # push {r4, lr}
        struct.pack_into("<I", body, 0x800 + 4 * n, far + 64 * n + 1)
    found = map_of(units(flash((FLASH, bytes(body)), (far, bytes(piece)))))
    assert kinds(found, far, 1024) == {"image"}


def test_what_a_program_seals_is_its_own_whole_erased_stretches_too() -> None:
    body = program(size=40_000) + b"\xff" * 2000 + b"end of the release\0\0"
    body += zlib.crc32(body).to_bytes(4, "little")
    found = map_of(units(flash((FLASH, body), (0x080E_0000, sealed(1, 128)))))
    assert {part.kind for part in found.parts if part.end <= SECTOR} == {"image"}


@pytest.mark.parametrize("name", ["cmsis", "libopencm3", "bare"])
def test_other_peoples_firmware_is_found_whole(name: str) -> None:
    body = (BODIES / f"{name}.bin").read_bytes()
    content = [flash((FLASH, body), (0x080E_0000, sealed(n, 256)), (FLASH + 0x1_F000, sealed(n, 64))) for n in (1, 2)]
    found = map_of(units(*content))
    assert kinds(found, FLASH, len(body)) == {"image"}
    assert kinds(found, 0x080E_0000, 256) == kinds(found, FLASH + 0x1_F000, 64) == {"own"}
    built, _found = build_job(found, None)
    assert built.files[next(file for file in built.files if file != "job.json")].startswith(body.rstrip(b"\xff"))


REFUSED: dict[str, tuple[Callable[[], list[Backup]], str]] = {
    "other versions": (
        lambda: units(flash((FLASH, program())), flash((FLASH, program(version="1.3.0")))),
        "different firmware (0x08000600: version 1.2.0 and version 1.3.0)",
    ),
    "sealed and other": (
        lambda: units(
            flash((FLASH, program(seal=True))),
            flash((FLASH, program(seal=True)[:0x700] + program(seal=True)[0x700:-4][::-1] + b"\0\0\0\0")),
        ),
        "is whole by its own seal in good0.bin, and not in good1.bin",
    ),
    "other chips": (
        lambda: [
            *units(flash((FLASH, program()))),
            Backup("h743.bin", flash((FLASH, program()), size=2 * SIZE), "STM32H743", UIDS[1]),
        ],
        "different chips: STM32H725 and STM32H743",
    ),
    "one unit twice": (
        lambda: units(flash((FLASH, program())), flash((FLASH, program()))),
        "are of the same unit",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_mixed_is_refused(case: str) -> None:
    make, says = REFUSED[case]
    with pytest.raises(SiblingError) as refused:
        map_of(make())
    assert says in refused.value.message


GOOD = flash((FLASH, program()))
SOURCES: dict[str, tuple[bytes, str, str]] = {
    "erased": (
        flash((FLASH + SECTOR, program(FLASH))),
        "{}",
        "cannot start: what should be its vector table at 0x08000000 is erased",
    ),
    "blank": (flash(), "{}", "is blank: all of it is 0xFF"),
    "holes": (GOOD, '{"torn": [134217760], "sha256": "%s"}', "has holes: 32 bytes could not be read"),
    "protected": (
        GOOD,
        '{"torn": [], "protected": [[134217728, 131072]], "sha256": "%s"}',
        "has holes: 131072 bytes",
    ),
    "changed": (GOOD, '{"torn": [], "sha256": "00"}', "is not what its facts say"),
    "short": (program(), "{}", "has 40000 bytes: not the whole flash"),
    "another family": (
        GOOD,
        '{"torn": [], "chip": {"dev_id": 1152, "name": "STM32H7"}, "sha256": "%s"}',
        "STM32H7 is not known",
    ),
}


@pytest.mark.parametrize("case", SOURCES)
def test_what_is_no_source_is_refused(tmp_path: Path, case: str) -> None:
    data, facts, says = SOURCES[case]
    (tmp_path / "good.bin").write_bytes(data)
    sha256 = hashlib.sha256(data).hexdigest()
    (tmp_path / "good.bin.json").write_text(facts % sha256 if "%s" in facts else facts)
    with pytest.raises(SiblingError) as refused:
        load_good(tmp_path / "good.bin")
    assert says in refused.value.message


def test_a_person_may_know_better() -> None:
    table = (0x0801_8000, b"the same table\0")
    content = [flash((FLASH, program()), table, (0x080E_0000, sealed(n, 64))) for n in (1, 2)]
    assert kinds(map_of(units(*content)), 0x0801_8000, 15) == {"unknown"}
    found = map_of(units(*content), take=[Span(0x1_8000, 0x1_8000)], keep=[Span(0x2000, 0x2010)])
    assert kinds(found, 0x0801_8000, 15) == {"image"}
    assert kinds(found, FLASH + 0x2000, 32) == {"own"}
    assert kinds(found, FLASH + 0x2020, 64) == {"image"}


def test_the_map_fits_eighty_columns_and_is_drawn() -> None:
    found = map_of(units(flash((FLASH, program()), (0x080E_0000, sealed(1, 64)))))
    lines = chart.picture_lines(found) + chart.word_lines(found)
    assert max(map(len, lines)) < 80
    assert lines[1].startswith("0x08000000 " + "#" * 20 + ".")
    assert lines[8].startswith("0x080e0000 =.")
    assert chart.map_picture(found).startswith(b"\x89PNG")
