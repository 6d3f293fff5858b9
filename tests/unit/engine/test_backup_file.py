"""What a backup's file holds is what the flash held, wherever it is read and whoever reads it."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from backups_made import backup_of, flash_with, parts_of
from bmsrescue.image.contents import ImageFileError
from bmsrescue.image.read import read_firmware
from bmsrescue.image.whole_backup import whole_flash
from bmsrescue.image.whole_flash import is_whole_flash
from rescue.engine.backup import layout
from rescue.engine.common import files
from rescue.engine.common.backup_file import BackupFile
from rescuelink.targets import FLASH_BASE


def flash_of(seed: int, count: int, size: int, share: float) -> bytes:
    """Sectors of random bytes among blank ones."""
    dice = random.Random(seed)
    used = {index * size: dice.randbytes(size) for index in range(count) if dice.random() < share}
    return flash_with(used, count * size)


def vectors() -> bytes:
    return bytes.fromhex("00000224 01020008")


def read(path: Path, address: int, length: int) -> bytes:
    """As the cure reads it; what was in the buffer before must not show."""
    view = memoryview(bytearray(b"\x5a" * length))
    BackupFile(str(path), FLASH_BASE).fill(address, view)
    return bytes(view)


@pytest.mark.parametrize(("count", "size"), [(8, 0x20000), (16, 0x20000), (128, 0x2000), (256, 0x2000)])
@pytest.mark.parametrize("share", [0, 0.3, 0.5, 1])
def test_every_reader_finds_what_the_flash_held(tmp_path: Path, count: int, size: int, share: float) -> None:
    flash = flash_of(count, count, size, share)
    content = backup_of(flash, size)
    assert len(content) <= files.CHUNK + len(flash)
    assert whole_flash(content, "backup.elf") == flash
    path = tmp_path / "backup.elf"
    path.write_bytes(content)
    dice = random.Random(7)
    for _ in range(100):
        offset = dice.randrange(len(flash))
        length = min(dice.choice((8, 32, files.CHUNK)), len(flash) - offset)
        assert read(path, FLASH_BASE + offset, length) == flash[offset : offset + length]


def test_blank_sectors_and_blank_ends_take_no_room() -> None:
    flash = flash_with({0: b"first", 0x20000: b"x" * 0x20000, 7 * 0x20000 + 0x3000: b"last"})
    assert len(backup_of(flash, 0x20000)) == files.CHUNK + files.CHUNK + 0x20000 + 0x3800


def test_what_nobody_may_read_is_not_in_it() -> None:
    flash = flash_with({0: b"first", 0x40000: b"secret", 7 * 0x20000: b"last"})
    assert b"secret" not in backup_of(flash, 0x20000, unreadable=(2,))


def test_every_second_sector_of_a_fine_grained_flash_still_fits_the_tables() -> None:
    flash = flash_with(dict.fromkeys(range(0, 1 << 20, 0x4000), b"x"))
    runs = layout.runs_of(parts_of(flash, 0x2000))
    assert 1 <= len(runs) <= 24
    assert whole_flash(backup_of(flash, 0x2000), "backup.elf") == flash


def test_every_command_that_takes_firmware_takes_it_for_a_dump_of_the_whole_flash() -> None:
    """It holds a unit's own data: nothing of it may look like a maker's image."""
    flash = flash_with({0: vectors(), 0x20000: random.Random(1).randbytes(0x20000)})
    as_backup, as_dump = read_firmware(backup_of(flash, 0x20000), "x.elf"), read_firmware(flash, "x.bin", FLASH_BASE)
    assert as_backup.segments == as_dump.segments
    assert is_whole_flash(as_backup.flash_bytes, "STM32H725")


def test_a_backup_of_an_older_agent_is_the_whole_flash(tmp_path: Path) -> None:
    flash = flash_of(3, 8, 0x20000, 0.5)
    path = tmp_path / "backup.bin"
    path.write_bytes(flash)
    assert whole_flash(flash, path.name) == flash
    assert read(path, FLASH_BASE + 0x1FFF0, 64) == flash[0x1FFF0 : 0x1FFF0 + 64]


@pytest.mark.parametrize("length", [10, 60, 2000, 2048, 4000])
def test_what_a_cut_left_of_one_is_no_backup(length: int) -> None:
    content = backup_of(flash_with({0: b"first"}), 0x20000)
    with pytest.raises(ImageFileError):
        whole_flash(content[:length], "backup.elf")


def test_an_elf_of_somebody_else_is_no_backup() -> None:
    content = (Path(__file__).parents[3] / "host/bmsrescue/twin/firmware/bms-1.2.0.elf").read_bytes()
    with pytest.raises(ImageFileError, match="no backup of a helper"):
        whole_flash(content, "bms.elf")
