"""A helper's backup in the hands of other people's tools: they write it back as it was."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from pyocd.flash.file_programmer import FileProgrammer
from test_pyocd import pyocd_on

from backups_made import backup_of, files, flash_with
from openocd_judge import run_program
from served_unit import ServedUnit
from third_party.conftest import need

SECTOR = 0x20000
FLASH = flash_with({SECTOR: random.Random(3).randbytes(3000), 7 * SECTOR: b"CALIBRATION 4711"})


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    path = tmp_path / "backup.elf"
    path.write_bytes(backup_of(FLASH, SECTOR))
    return path


def test_openocd_writes_it_back(openocd: Callable[..., str], served: Callable[..., ServedUnit], backup: Path) -> None:
    unit = served("blank")
    text = openocd(unit, "reset halt", f"flash write_image erase {backup}", f"verify_image {backup}")
    assert f"verified {3 * files.CHUNK} bytes" in text
    assert unit.flash(0x08000000, len(FLASH)) == FLASH


def test_pyocd_writes_it_back(backup: Path) -> None:
    with pyocd_on("blank") as (target, unit):
        FileProgrammer(target.session, chip_erase="sector").program(str(backup))
        assert bytes(unit.chip.flash.snapshot()) == FLASH


def test_binutils_make_the_whole_flash_of_it(backup: Path, tmp_path: Path) -> None:
    """From the first byte that is kept; the gaps are filled as they were."""
    out = tmp_path / "flash.bin"
    run_program([need("arm-none-eabi-objcopy"), "-O", "binary", "--gap-fill", "0xff", str(backup), str(out)])
    assert out.read_bytes() == FLASH[SECTOR : 7 * SECTOR + files.CHUNK]
