"""Cards of every kind: host and dongle find the same volume or say the same of it, and what is changed stays whole.

dosfstools and mtools make and judge the cards. The dongle's side is MicroPython's own VfsFat.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bmsrescue.agent.files import shared_dir
from bmsrescue.card.fat import CardFiles, CardImageError, read_files, volume_of
from bmsrescue.card.fat_check import examine
from bmsrescue.card.image_bytes import FileImage
from bmsrescue.card.storage import load_card, save_card, write_new_card
from bmsrescue.twin.helper.process import find_interpreter
from bmsrescue.twin.rig import TwinRig, card_for
from bmsrescue.twin.scenarios import find
from fat_cards import (
    BLOCK,
    DEBRIS,
    MIB,
    exfat_boot_sector,
    fsck,
    get_files,
    label_of,
    make_fat,
    ntfs_boot_sector,
    on_disk,
    partition_table,
    put_files,
)
from link_twin import Host, helper_on
from third_party.conftest import need

JOB = {"JOB.JSON": b'{"old": true}', "fw.bin": bytes(range(256)) * 20, "records/records.jsonl": b"{}\n"}
NEW = {"job.json": b'{"new": true}', "bms-1.2.0.bin": bytes(range(255)) * 600, "backups/0001.bin": bytes(70_000)}
# Mounts each card as a board would, and reads its job.
ON_THE_HELPER = """
import os, sys
sys.path.insert(0, sys.argv[1])
from rescuelink.volume import find_volume
class Card:
    def __init__(self, path):
        self.file = open(path, "rb")
        self.size = os.stat(path)[6] // 512
    def readblocks(self, block, buffer):
        if (block + len(buffer) // 512) > self.size:
            raise OSError(5)
        self.file.seek(block * 512)
        self.file.readinto(buffer)
    def writeblocks(self, block, buffer):
        raise OSError(30)
    def ioctl(self, request, argument):
        return self.size if request == 4 else 512 if request == 5 else 0
for path in sys.argv[2:]:
    card = Card(path)
    try:
        volume = find_volume(card)
    except Exception as error:
        print(repr((error.message, error.next_step) if hasattr(error, "next_step") else repr(error)))
        continue
    try:
        os.mount(os.VfsFat(card), "/sd")
        with open("/sd/job.json") as file:
            text = file.read()
        os.umount("/sd")
    except OSError as error:
        text = repr(error)
    print(repr((volume, text)))
"""


def on_the_helper(folder: Path, *cards: Path) -> list[object]:
    script = folder / "look.py"
    script.write_text(ON_THE_HELPER)
    said = subprocess.run(
        [find_interpreter(), script, str(shared_dir()), *cards], capture_output=True, text=True, timeout=60, check=True
    )
    return [eval(line, {}) for line in said.stdout.splitlines()]


@pytest.fixture(autouse=True)
def _tools() -> None:
    for program in ("mkfs.fat", "fsck.fat", "mcopy"):
        need(program)


# (bytes, options of mkfs.fat)
VOLUMES = {
    "floppy": (1440 * 1024, "-F12"),
    "fat12-4k": (8 * MIB, "-F12 -s8"),
    "fat12-one-table": (4 * MIB, "-F12 -s4 -f1"),
    "fat16-512": (16 * MIB, "-F16 -s1"),
    "fat16-32k": (256 * MIB, "-F16 -s64"),
    "fat16-reserved": (64 * MIB, "-F16 -s8 -R8"),
    "fat16-root-64": (64 * MIB, "-F16 -r64"),
    "fat32-512": (40 * MIB, "-F32 -s1"),
    "fat32-4k": (300 * MIB, "-F32 -s8"),
    "fat32-64k": (5000 * MIB, "-F32 -s128"),
    "fat32-one-table": (300 * MIB, "-F32 -s8 -f1"),
    "fat32-64g": (64 << 30, "-F32 -s64"),
}
# Where it lies on the disk: before it, entries of an MBR (type, first block, blocks).
PLACES: dict[str, tuple[int, tuple[tuple[int, int, int], ...]]] = {
    "mbr": (2048, ()),
    "old-mbr": (63, ()),
    "second-partition": (4096, ((0x83, 2048, 2048),)),
    "fourth-partition": (8192, ((0x83, 64, 64), (0, 0, 0), (0x82, 2048, 64))),
}


@pytest.mark.parametrize("name", VOLUMES)
def test_a_volume_of_any_kind_is_taken_by_both_and_changed_in_place(tmp_path: Path, name: str) -> None:
    size, options = VOLUMES[name]
    card = make_fat(tmp_path / "card.img", size, *options.split())
    put_files(card, {**DEBRIS, **JOB}, tmp_path)
    image = FileImage(card)
    (helper,) = on_the_helper(tmp_path, card)
    volume = volume_of(image)
    assert helper == (tuple(vars(volume).values()), '{"old": true}')
    assert f"fat{volume.bits}" == name.split("-")[0].replace("floppy", "fat12")
    assert CardFiles(image)["job.json"] == JOB["JOB.JSON"]
    assert (examine(image).damage, examine(image).notes) == ([], [])
    label = label_of(card)
    write_new_card(card, NEW)
    fsck(card, tmp_path)
    _assert_changed_in_place(card, size, label, 0)


def _plain(next_step: str) -> str:
    return next_step[:1].lower() + next_step[1:].rstrip(".")


def _assert_changed_in_place(card: Path, size: int, label: str, offset: int) -> None:
    assert card.stat().st_size == size
    assert label_of(card, offset) == label
    expected = {**DEBRIS, **JOB, **NEW}
    del expected["JOB.JSON"]
    assert get_files(card, list(expected), offset) == expected
    files = CardFiles(FileImage(card))
    assert {name: files[name] for name in NEW} == NEW
    assert len([name for name in files if name.lower() == "job.json"]) == 1


@pytest.mark.parametrize("name", PLACES)
def test_the_first_fat_partition_is_taken_by_both_and_the_rest_of_the_disk_stays(tmp_path: Path, name: str) -> None:
    first, before = PLACES[name]
    volume = make_fat(tmp_path / "volume.img", 40 * MIB, "-F32", "-s1")
    put_files(volume, {**DEBRIS, **JOB}, tmp_path)
    card = on_disk(volume, tmp_path / "card.img", first, *before)
    if before:
        with card.open("r+b") as file:
            file.seek(64 * BLOCK)
            file.write(b"a Linux partition" * 100)
    size, front = card.stat().st_size, card.read_bytes()[: first * BLOCK]
    (helper,) = on_the_helper(tmp_path, card)
    assert helper == (tuple(vars(volume_of(FileImage(card))).values()), '{"old": true}')
    offset = first * BLOCK
    label = label_of(card, offset)
    write_new_card(card, NEW)
    assert card.read_bytes()[: first * BLOCK] == front
    fsck(card, tmp_path, offset)
    _assert_changed_in_place(card, size, label, offset)


def _written(path: Path, *pieces: tuple[int, bytes], size: int = 8 * MIB) -> Path:
    with path.open("wb") as file:
        file.truncate(size)
        for block, data in pieces:
            file.seek(block * BLOCK)
            file.write(data)
    return path


def exfat(path: Path) -> Path:
    return _written(path, (0, exfat_boot_sector()))


def exfat_in_a_partition(path: Path) -> Path:
    return _written(path, (0, partition_table((7, 2048, 8192))), (2048, exfat_boot_sector()))


def ntfs(path: Path) -> Path:
    return _written(path, (0, partition_table((7, 2048, 8192))), (2048, ntfs_boot_sector()))


def gpt(path: Path) -> Path:
    return _written(path, (0, partition_table((0xEE, 1, 0xFFFF_FFFF))), (1, b"EFI PART".ljust(512, b"\x00")))


def sectors_of_4k(path: Path) -> Path:
    return make_fat(path, 64 * MIB, "-F32", "-S4096", "-s1")


def sectors_of_4k_in_a_partition(path: Path) -> Path:
    volume = make_fat(path.with_suffix(".volume"), 64 * MIB, "-F32", "-S4096", "-s1")
    return _written(path, (0, partition_table((0x0C, 256, 16384))), (2048, volume.read_bytes()), size=72 * MIB)


def sectors_of_1k(path: Path) -> Path:
    return make_fat(path, 64 * MIB, "-F16", "-S1024")


def short(path: Path) -> Path:
    make_fat(path, 64 * MIB, "-F32", "-s1")
    with path.open("r+b") as file:
        file.truncate(20 * MIB)
    return path


def short_in_a_partition(path: Path) -> Path:
    on_disk(make_fat(path.with_suffix(".volume"), 64 * MIB, "-F32", "-s1"), path, 2048)
    with path.open("r+b") as file:
        file.truncate(20 * MIB)
    return path


def partition_behind_the_end(path: Path) -> Path:
    return _written(path, (0, partition_table((0x0C, 1 << 24, 1 << 20))))


def nothing(path: Path) -> Path:
    return _written(path)


def few_clusters(path: Path) -> Path:
    return make_fat(path, 64 * MIB, "-F32", "-s32")


def wiped_boot_sector(path: Path) -> Path:
    make_fat(path, 64 * MIB, "-F32", "-s1")
    with path.open("r+b") as file:
        file.seek(13)
        file.write(bytes(20))
    return path


def wiped_table(path: Path) -> Path:
    make_fat(path, 64 * MIB, "-F16")
    with path.open("r+b") as file:
        file.seek(volume_of(FileImage(path)).fat_first * BLOCK)
        file.write(bytes(4096))
    return path


def wiped_root(path: Path) -> Path:
    make_fat(path, 64 * MIB, "-F32", "-s1")
    with path.open("r+b") as file:
        file.seek(volume_of(FileImage(path)).fat_first * BLOCK + 8)
        file.write(bytes(4))
    return path


FORMAT = "format it as FAT32 with an MBR, 512-byte sectors"
REFUSED: dict[Callable[[Path], Path], tuple[str, str]] = {
    exfat: ("the card is formatted as exFAT", FORMAT),
    exfat_in_a_partition: ("the card is formatted as exFAT", FORMAT),
    ntfs: ("the card is formatted as NTFS", FORMAT),
    gpt: ("the card has a GPT partition table", FORMAT),
    sectors_of_4k: ("the card's file system has sectors of 4096 bytes", FORMAT),
    sectors_of_4k_in_a_partition: ("the card's file system has sectors of 4096 bytes", FORMAT),
    sectors_of_1k: ("the card's file system has sectors of 1024 bytes", FORMAT),
    short: ("the card's file system has 65536 KiB, but the card ends after 20480 KiB", "another card"),
    short_in_a_partition: ("the card's file system has 65536 KiB, but the card ends after 19456 KiB", "another card"),
    partition_behind_the_end: ("there is no FAT file system on the card", FORMAT),
    nothing: ("there is no FAT file system on the card", FORMAT),
    few_clusters: ("the card is formatted as FAT32 with only 4093 clusters", "smaller clusters"),
    wiped_boot_sector: ("the card's file system is damaged: its boot sector is overwritten", "chkdsk or fsck"),
    wiped_table: ("the card's file system is damaged: its file allocation table is overwritten", "chkdsk or fsck"),
    wiped_root: ("the card's file system is damaged: its file allocation table is overwritten", "chkdsk or fsck"),
}


@pytest.mark.parametrize("make", REFUSED, ids=lambda make: make.__name__)
def test_what_cannot_be_used_is_named_by_both_in_the_same_words(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    card = make(tmp_path / "card.img")
    before = card.read_bytes()
    message, advice = REFUSED[make]
    (helper,) = on_the_helper(tmp_path, card)
    with pytest.raises(CardImageError) as refused:
        CardFiles(FileImage(card))
    assert refused.value.message == message
    assert advice in _plain(refused.value.next_step)
    assert helper == (message, _plain(refused.value.next_step))
    with pytest.raises(CardImageError):
        write_new_card(card, NEW)
    assert card.read_bytes() == before


def test_a_helper_lists_a_card_with_names_that_it_cannot_tell(tmp_path: Path) -> None:
    card = make_fat(tmp_path / "card.img", 40 * MIB, "-F32", "-s1")
    put_files(card, {**DEBRIS, **JOB}, tmp_path)
    with helper_on("healthy", bytearray(card.read_bytes())) as twin, Host(twin.url) as host:
        listed = {name: (size, folder) for name, size, folder in host.call("card.list")}
        assert [entry[0] for entry in host.call("card.list", "", 3)] == list(listed)[3:]
    assert listed["fw.bin"] == (len(JOB["fw.bin"]), False)
    assert listed["System Volume Information"] == (0, True)
    assert {name for name in [*DEBRIS, *JOB] if "/" not in name and name.isascii()} <= set(listed)


def test_a_card_of_64_gib_costs_no_memory(tmp_path: Path) -> None:
    card = make_fat(tmp_path / "card.img", 64 << 30, "-F32", "-s64")
    (tmp_path / "fw.bin").write_bytes(bytes.fromhex("0000022041000008") + bytes(range(256)) * 16)
    command = shutil.which("bmsrescue", path=str(Path(sys.executable).parent))
    assert command is not None
    for words in (("build", tmp_path / "fw.bin", "-o", card), ("check", card)):
        said = subprocess.run(
            ["prlimit", f"--as={2 << 30}", command, "card", *words],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert said.returncode == 0, said.stderr
    assert card.stat().st_blocks * 512 < 100 * MIB
    assert "clusters" in fsck(card, tmp_path)


def test_a_large_card_that_does_not_know_its_free_space_is_counted_and_the_watchdog_waits(tmp_path: Path) -> None:
    card = make_fat(tmp_path / "card.img", 64 << 30, "-F32", "-s64")
    write_new_card(card, read_files(card_for(find("half-on"))))
    with card.open("r+b") as file:
        file.seek(BLOCK + 488)  # FSINFO: free clusters, next free cluster
        file.write(b"\xff" * 8)
    image = load_card(card)
    assert image is not None
    run = TwinRig(find("half-on"), image).run()
    assert run.record is not None, (run.how, run.output)
    assert run.record["outcome"] == "RECOVERED"
    save_card(card, image)
    assert "records/records.jsonl" in CardFiles(FileImage(card))
    fsck(card, tmp_path)


def damaged(tmp_path: Path, change: Callable[[bytearray, int], None]) -> Path:
    """A FAT16 card with files. `change` gets its first table, and the number of fw.bin's second cluster."""
    card = make_fat(tmp_path / "card.img", 64 * MIB, "-F16", "-s4")
    put_files(card, {**JOB, "film.mp4": bytes(range(256)) * 400}, tmp_path)
    volume = volume_of(FileImage(card))
    with card.open("r+b") as file:
        file.seek(volume.fat_first * BLOCK)
        table = bytearray(file.read(volume.fat_blocks * BLOCK))
        # JOB.JSON has cluster 2, fw.bin those from 3 on.
        change(table, 4)
        file.seek(volume.fat_first * BLOCK)
        file.write(table)
    return card


def _free(table: bytearray, entry: int) -> None:
    table[2 * entry : 2 * entry + 2] = bytes(2)


def _looped(table: bytearray, entry: int) -> None:
    table[2 * entry : 2 * entry + 2] = (entry - 1).to_bytes(2, "little")


def _outside(table: bytearray, entry: int) -> None:
    table[2 * entry : 2 * entry + 2] = b"\x00\xf0"


def _cut(table: bytearray, entry: int) -> None:
    table[2 * entry : 2 * entry + 2] = b"\xff\xff"


@pytest.mark.parametrize("change", [_free, _looped, _outside, _cut], ids=lambda change: change.__name__.strip("_"))
def test_a_damaged_table_is_told_as_fsck_tells_it_and_nothing_is_written_to_the_card(
    tmp_path: Path, change: Callable[[bytearray, int], None]
) -> None:
    card = damaged(tmp_path, change)
    judged = subprocess.run(["fsck.fat", "-n", card], capture_output=True, text=True, timeout=60, check=False)
    assert judged.returncode != 0
    (found,) = examine(FileImage(card)).damage[:1]
    assert found.startswith(("FW.BIN", "RECORDS"))
    before = card.read_bytes()
    with pytest.raises(CardImageError, match="damaged"):
        write_new_card(card, NEW)
    assert card.read_bytes() == before


def test_a_second_table_that_differs_and_a_card_that_was_not_ejected_are_told_and_no_file_is_lost(
    tmp_path: Path,
) -> None:
    card = make_fat(tmp_path / "card.img", 300 * MIB, "-F32", "-s8")
    put_files(card, {**DEBRIS, **JOB}, tmp_path)
    volume = volume_of(FileImage(card))
    with card.open("r+b") as file:
        file.seek((volume.fat_first + volume.fat_blocks) * BLOCK + 16)
        file.write(bytes(64))
        file.seek(65)
        file.write(b"\x01")
    state = examine(FileImage(card))
    assert state.damage == []
    assert [note.split(":")[0] for note in state.notes] == [
        "the card was not ejected when it was taken out",
        "the second file allocation table differs from the first, which the dongle uses",
    ]
    (helper,) = on_the_helper(tmp_path, card)
    assert helper == (tuple(vars(volume).values()), '{"old": true}')
    label = label_of(card)
    write_new_card(card, NEW)
    _assert_changed_in_place(card, 300 * MIB, label, 0)
