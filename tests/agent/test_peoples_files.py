"""Files that people really have, from their editor, their linker or their download folder, through the commands and the
dongle: taken as they are meant, or refused with what to do.
"""

from __future__ import annotations

import json
import shutil
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bmsrescue.card.build import build_files
from bmsrescue.card.check import check_card
from bmsrescue.card.fat import make_image
from bmsrescue.card.storage import load_card, save_card
from bmsrescue.twin.firmware import image_bytes
from bmsrescue.twin.rig import TwinRig, card_for
from bmsrescue.twin.scenarios import find
from card_cases import job_for
from dongle_run import DongleRun, press_button
from fuzzing.kinds import APP, FLASH, app, elf_of, hex_of
from helper_command import Run, started_helper

GOOD = app()
_FAULTS = b"\x01\x48\x00\x68\xfe\xe7\x00\xbf" + struct.pack("<I", 0x7000_0000)  # reads where nothing is
_STANDS = b"\xfe\xe7"  # b .


def with_code(code: bytes) -> bytes:
    return GOOD[:0x400] + code + GOOD[0x400 + len(code) :]


def headers_in_a_load() -> bytes:
    """As GNU ld lays it out where a segment's address does not fit its place in the file."""
    file = elf_of((FLASH, GOOD), (APP, b""))
    whole = bytearray(file)
    length = 84 + 32 + len(GOOD) - 4
    struct.pack_into("<8I", whole, 84, 1, 0, APP, APP, length, length, 5, 4)
    return bytes(whole)


def hex_with_gaps(count: int) -> bytes:
    parts = [(FLASH, image_bytes("1.2.0")), *((FLASH + 0x8_0000 + 96 * n, bytes([n]) * 32) for n in range(count))]
    lines = [line for address, data in parts for line in hex_of(data, address).splitlines()[:-1]]
    return b"\n".join([*lines, b":00000001FF", b""])


HEX = hex_of(GOOD)
# The name of the file, its bytes, what is given with it, and what is said of it.
REFUSED: dict[str, tuple[str, bytes, list[str], str]] = {
    "BIN of 0x08020000": ("fw.bin", app(APP, 200 * 1024), [], "linked for 0x08020000"),
    "short BIN of 0x08020000": ("fw.bin", app(APP), [], "Give --base 0x08020000"),
    "ELF cut": (
        "fw.elf",
        elf_of((FLASH, GOOD))[:-1500],
        [],
        "fw.elf ends early: 1500 bytes are missing. Copy it again",
    ),
    "HEX cut at a line": (
        "fw.hex",
        b"\n".join(HEX.splitlines()[:-40]),
        [],
        "fw.hex ends early: there is no end record",
    ),
    "HEX with --base": ("fw.hex", HEX, ["--base", "0x08060000"], "Leave --base out"),
    "HEX for the external flash": (
        "fw.hex",
        hex_of(GOOD).replace(b":00000001FF", hex_of(b"font" * 100, 0x9000_0000)[:-1]),
        [],
        "an external flash (QSPI, OCTOSPI). bmsrescue writes the chip's flash. Leave the rest out with --only-flash",
    ),
}
TAKEN: dict[str, tuple[str, bytes, list[str], str, list[tuple[int, bytes]]]] = {
    "BIN of 0x08020000 with --base": ("fw.bin", app(APP), ["--base", "0x08020000"], "fw.bin", [(APP, app(APP))]),
    "BIN padded to 1 MiB": ("fw.bin", GOOD + b"\xff" * ((1 << 20) - 4096), [], "fw.bin", [(FLASH, GOOD)]),
    "BIN of odd length": ("fw.bin", GOOD[:-3], [], "fw.bin", [(FLASH, GOOD[:-3])]),
    "ELF whose header lies in a segment": (
        "fw.elf",
        headers_in_a_load(),
        [],
        "fw.bin",
        [(FLASH, GOOD), (APP + 96, b"\xff" * 20 + GOOD[:-4])],
    ),
    "HEX with byte order mark": ("fw.hex", b"\xef\xbb\xbf" + HEX, [], "fw.bin", [(FLASH, GOOD)]),
    "HEX for the external flash, without it": (
        "fw.hex",
        REFUSED["HEX for the external flash"][1],
        ["--only-flash"],
        "fw.bin",
        [(FLASH, GOOD)],
    ),
    "umlaut": ("ger\u00e4t.bin", GOOD, [], "gerat.bin", [(FLASH, GOOD)]),
    "colon": ("bms:1.2.bin", GOOD, [], "bms_1.2.bin", [(FLASH, GOOD)]),
    "long name": ("v" * 70 + ".bin", GOOD, [], "v" * 60 + ".bin", [(FLASH, GOOD)]),
}
# What a job says, and what is said of it on both sides.
JOBS: dict[str, tuple[Callable[[dict[str, Any]], None], str]] = {
    "leading zero": (
        lambda job: job.update(policy={"consent": ["sector:07"]}),
        "is 'sector:07'. Use one of: \"sector:0\"",
    ),
    "pin in small letters": (
        lambda job: job.update(proof={"rule": "pin", "pin": {"pin": "pe2", "level": "high"}}),
        "Job: proof.pin.pin: is 'pe2'. Write it as \"PB5\".",
    ),
    "40 preserved regions": (
        lambda job: job.update(
            policy={
                "preserve": [
                    {"name": f"r{n}", "address": f"0x{0x080E_0000 + 32 * n:08x}", "length": 32} for n in range(40)
                ]
            }
        ),
        "Job: policy.preserve: has 40 entries. A helper takes 16 at most.",
    ),
    "trip below supply": (
        lambda job: job.update(limits={"supply_ma": 300, "trip_ma": 150}),
        "Job: limits.trip_ma: 150 mA is below supply_ma, 300 mA.",
    ),
    "bootloader over the image": (
        lambda job: job.update(
            bootloader={
                "address": "0x08000000",
                "length": "0x20000",
                "flag": {"address": "0x080A0000", "set": "0xB007F1A6"},
            }
        ),
        "Job: bootloader.address: 0x08000000..0x08020000 lies in the image.",
    ),
}


def card_files(change: Callable[[dict[str, Any]], None] = lambda _job: None, data: bytes = GOOD) -> dict[str, bytes]:
    document = job_for(data)
    change(document)
    return {"job.json": json.dumps(document).encode(), "bms.bin": data}


def put(folder: Path, files: dict[str, bytes]) -> Path:
    folder.mkdir()
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder


def press(files: dict[str, bytes], scenario: str = "half-on") -> DongleRun:
    card = make_image(files)
    return press_button(TwinRig(find(scenario), card), card)


@pytest.mark.parametrize("case", REFUSED)
def test_a_file_that_cannot_be_meant_is_refused_with_the_way_out(bmsrescue: Run, case: str) -> None:
    name, content, options, says = REFUSED[case]
    Path(name).write_bytes(content)
    said = bmsrescue("card", "build", name, "-o", "card", *options)
    assert said.status in (1, 2)
    assert says in said.errors
    assert not Path("card").exists()


@pytest.mark.parametrize("case", TAKEN)
def test_a_file_that_can_be_meant_becomes_what_its_author_meant(bmsrescue: Run, case: str) -> None:
    name, content, options, on_card, wanted = TAKEN[case]
    Path(name).write_bytes(content)
    said = bmsrescue("card", "build", name, "-o", "card", *options)
    assert said.status == 0, said.errors
    assert "the job owns sector" in said.out
    files = {path.name: path.read_bytes() for path in Path("card").iterdir()}
    job = check_card(files)
    assert set(files) == {"job.json", on_card}
    assert [
        (part.address, files[on_card][part.offset : part.offset + part.length]) for part in job.image.segments
    ] == wanted
    assert bmsrescue("card", "check", "card").status == 0


@pytest.mark.parametrize("case", JOBS)
def test_a_job_that_cannot_be_meant_is_refused_alike_by_the_check_and_by_the_dongle(
    bmsrescue: Run, tmp_path: Path, case: str
) -> None:
    change, says = JOBS[case]
    files = card_files(change)
    said = bmsrescue("card", "check", put(tmp_path / "card", files))
    assert said.status == 1
    assert says in said.errors
    run = press(files)
    assert (run.record["outcome"], run.result.power_ons) == ("TOOL_ERROR", 0)
    assert said.errors.strip() == "error: " + run.record["sentence"]


def test_a_key_given_twice_gives_no_consent(bmsrescue: Run, tmp_path: Path) -> None:
    files = card_files(lambda job: job.update(policy={"consent": []}))
    files["job.json"] = files["job.json"].replace(b'"consent": []', b'"consent": [], "consent": ["rdp-regression"]')
    said = bmsrescue("card", "check", put(tmp_path / "card", files))
    assert '"consent" is given twice' in said.errors
    run = press(files, "rdp1")
    assert (run.record["outcome"], run.flash_after) == ("TOOL_ERROR", run.flash_before)
    assert said.errors.strip() == "error: " + run.record["sentence"]


def test_a_byte_order_mark_brackets_and_capitals_are_taken_alike(bmsrescue: Run, tmp_path: Path) -> None:
    files = card_files(lambda job: job.update(name="[/red] pack"), image_bytes("1.2.0"))
    files = {"JOB.JSON": b"\xef\xbb\xbf" + files["job.json"], "BMS.BIN": files["bms.bin"]}
    said = bmsrescue("card", "check", put(tmp_path / "card", files))
    assert said.status == 0, said.errors
    assert "job '[/red] pack' for STM32H725" in said.out
    run = press(files)
    assert run.record["outcome"] == "RECOVERED", run.record
    assert run.record["job"]["name"] == "[/red] pack"


@pytest.mark.skipif(shutil.which("mcopy") is None, reason="needs mtools")
def test_names_in_capitals_on_a_card_of_mtools(bmsrescue: Run, tmp_path: Path) -> None:
    image = tmp_path / "card.img"
    files = {name.upper(): data for name, data in card_files().items()}
    put(tmp_path / "files", files)
    subprocess.run(["mformat", "-C", "-i", image, "-F", "-T", "81920", "::"], check=True, timeout=60)
    for name in files:
        subprocess.run(["mcopy", "-i", image, tmp_path / "files" / name, f"::{name}"], check=True, timeout=60)
    assert bmsrescue("card", "check", image).status == 0


@pytest.mark.parametrize(
    ("code", "says"),
    [(_FAULTS, "CFSR 0x00008200: PRECISERR, FORCED"), (_STANDS, "a loop at one address (0x08000400)")],
    ids=["fault", "stands"],
)
def test_firmware_that_only_stands_is_never_green(tmp_path: Path, code: bytes, says: str) -> None:
    (tmp_path / "fw.bin").write_bytes(with_code(code))
    run = press(build_files(tmp_path / "fw.bin").files)
    assert run.record["outcome"] == "NOT_FIRMWARE"
    assert not run.record["proof"]["passed"]
    assert says in run.record["proof"]["reason"]


def test_thirty_gaps_are_what_a_helper_holds(tmp_path: Path) -> None:
    (tmp_path / "fw.hex").write_bytes(hex_with_gaps(30))
    run = press(build_files(tmp_path / "fw.hex").files)
    assert run.record["outcome"] == "RECOVERED", run.record
    for number in range(30):
        at = 0x8_0000 + 96 * number
        assert run.flash_after[at : at + 32] == bytes([number]) * 32


def test_the_largest_job_that_is_taken_has_room_on_the_helper() -> None:
    data = image_bytes("1.2.0")

    def everything(job: dict[str, Any]) -> None:
        job["name"] = "x" * 64
        job["target"]["marker"] = [{"address": FLASH + data.index(b"1.2.0"), "text": "1.2.0"}] * 16
        job["image"]["segments"] = job_for(data, cuts=16)["image"]["segments"]
        job["policy"] = {
            "preserve": [
                {"name": f"region number {n}", "address": FLASH + 0xE_0000 + 64 * n, "length": 32, "why": "y" * 200}
                for n in range(16)
            ],
            "consent": [f"sector:{n % 8}" for n in range(32)],
            "ask": ["wrp"] * 32,
        }

    files = card_files(everything, data)
    assert check_card(files).image.segments
    run = press(files)
    assert run.record["outcome"] == "RECOVERED", run.record
    # And the largest that is refused.
    files["job.json"] = b'{"what": [' + b",".join([b"{}"] * 398) + b"]}"
    run = press(files)
    assert "format: is missing" in run.record["sentence"]


def test_an_application_behind_a_bootloader_of_its_makers(bmsrescue: Run, tmp_path: Path) -> None:
    image = app(APP, 200 * 1024)
    document = job_for(image)
    document["target"]["boot_address"] = "0x08020000"
    document["image"] = {"file": "app.bin", "base": "0x08020000"}
    source = put(tmp_path / "job", {"app.bin": image, "job.json": json.dumps(document).encode()})
    said = bmsrescue("card", "build", source / "job.json", "-o", "card")
    assert said.status == 0, said.errors
    files = {path.name: path.read_bytes() for path in Path("card").iterdir()}
    job = check_card(files)
    assert (job.boot_address, job.owns(FLASH, APP - FLASH)) == (APP, False)


@pytest.mark.parametrize(
    ("scenario", "outcome"), [("app-behind-bootloader", "NO_FAULT_FOUND"), ("app-behind-bootloader-cut", "RECOVERED")]
)
def test_a_bootloader_that_the_job_does_not_own_is_left_alone(scenario: str, outcome: str) -> None:
    card = card_for(find(scenario))
    run = press_button(TwinRig(find(scenario), card), card)
    assert run.record["outcome"] == outcome
    assert run.record["diagnosis"]["cause"] != "wrong-boot-address"


def test_two_names_that_a_card_takes_for_one_lose_nothing(bmsrescue: Run, tmp_path: Path) -> None:
    folder = put(tmp_path / "card", {**card_files(), "NOTES.TXT": b"A", "notes.txt": b"B"})
    said = bmsrescue("twin", "run", "--scenario", "healthy", "--card", folder)
    assert "NOTES.TXT and notes.txt" in said.errors
    assert said.status != 0
    assert (folder / "NOTES.TXT").read_bytes() + (folder / "notes.txt").read_bytes() == b"AB"
    (folder / "notes.txt").unlink()
    image = load_card(folder)
    assert image is not None
    save_card(folder, image)
    assert (folder / "NOTES.TXT").read_bytes() == b"A"


def test_flash_takes_any_length_and_refuses_what_it_would_have_to_guess(
    bmsrescue: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("fw.bin").write_bytes(GOOD[:-3])
    Path("fw.hex").write_bytes(HEX)
    Path("qspi.hex").write_bytes(REFUSED["HEX for the external flash"][1])
    Path("data.bin").write_bytes(bytes(range(256)))
    with started_helper("blank") as twin:
        monkeypatch.setenv("BMSRESCUE_HELPER", twin.url)
        before = twin.unit.chip.flash.snapshot()
        assert "Leave --base out" in bmsrescue("flash", "fw.hex", "--base", "0x08060000").errors
        assert "Leave the rest out with --only-flash" in bmsrescue("flash", "qspi.hex").errors
        assert "Give their address with --base" in bmsrescue("flash", "data.bin").errors
        assert twin.unit.chip.flash.snapshot() == before
        wanted = bmsrescue("flash", "fw.bin").errors
        scope = wanted[wanted.index("--yes") :].split('"')[1]
        done = bmsrescue("flash", "fw.bin", "--yes", scope, "--json")
        assert (done.status, done.json["differing"]) == (0, [])
        assert bmsrescue("verify", "qspi.hex", "--only-flash").status == 1
        after = twin.unit.chip.flash.snapshot()
    assert after[: len(GOOD) - 3] == GOOD[:-3]
    assert after[len(GOOD) - 3 : len(GOOD)] == b"\xff" * 3
