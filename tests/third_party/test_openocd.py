"""OpenOCD 0.12 with its own stm32h7x driver and target file takes the twin for an STM32H725."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from served_unit import ServedUnit

FLASH = 0x08000000
SECTOR = 0x20000
ONES = b"\xff"

Serve = Callable[..., ServedUnit]
OpenOcd = Callable[..., str]


@pytest.fixture
def blank(served: Serve) -> ServedUnit:
    return served("blank")


def random_image(path: Path, length: int, seed: int) -> bytes:
    data = random.Random(seed).randbytes(length)
    path.write_bytes(data)
    return data


def program_verify_dump(openocd: OpenOcd, unit: ServedUnit, folder: Path, length: int, **how: bool) -> None:
    image, dump = folder / "image.bin", folder / "dump.bin"
    data = random_image(image, length, seed=length)
    text = openocd(
        unit,
        "reset halt",
        f"flash write_image erase {image} {FLASH:#x} bin",
        f"verify_image {image} {FLASH:#x} bin",
        f"dump_image {dump} {FLASH:#x} {length:#x}",
        **how,
    )
    assert f"wrote {length} bytes from file" in text
    assert f"verified {length} bytes" in text
    assert dump.read_bytes() == data
    assert unit.flash(FLASH, length) == data


def test_it_examines_the_chip_and_finds_a_cortex_m7(openocd: OpenOcd, blank: ServedUnit) -> None:
    text = openocd(blank, "targets", "mdw 0x5c001000")
    assert "SWD DPIDR 0x6ba02477" in text
    assert "Cortex-M7" in text
    assert re.search(r"0x5c001000: 1001 ?6483", text.lower())
    # A blank chip is locked up, and OpenOCD reports as an error that it ends this.
    assert [line for line in text.splitlines() if "Error" in line and "clearing lockup" not in line] == []


def test_it_resets_and_halts_the_core_of_a_working_unit(openocd: OpenOcd, served: Serve) -> None:
    unit = served("healthy")
    text = openocd(unit, "reset halt", "targets")
    vectors = unit.flash(FLASH, 8)
    stack, entry = (int.from_bytes(vectors[at : at + 4], "little") for at in (0, 4))
    assert "halted due to debug-request" in text
    assert f"pc: 0x{entry & ~1:08x} msp: 0x{stack:08x}" in text


def test_it_knows_the_flash_by_probing(openocd: OpenOcd, blank: ServedUnit) -> None:
    text = openocd(blank, "reset halt", "flash probe 0", "flash info 0")
    assert "Device: STM32H72x/73x" in text
    assert "flash size probed value 1024k" in text
    assert len(re.findall(r"\(0x20000 128kB\) not protected", text)) == 8


def test_it_erases_a_sector_and_only_that(openocd: OpenOcd, served: Serve) -> None:
    unit = served("healthy")
    before = unit.flash(FLASH, 8 * SECTOR)
    assert before[:32] != ONES * 32
    text = openocd(unit, "reset halt", "flash erase_sector 0 0 0", "flash erase_check 0", "flash info 0")
    assert "erased sectors 0 through 0 on flash bank 0" in text
    assert unit.flash(FLASH, SECTOR) == ONES * SECTOR
    assert unit.flash(FLASH + SECTOR, 7 * SECTOR) == before[SECTOR:]


def test_64_kib_come_back_as_they_were_written(openocd: OpenOcd, blank: ServedUnit, tmp_path: Path) -> None:
    program_verify_dump(openocd, blank, tmp_path, 64 * 1024)


@pytest.mark.timeout(900)
def test_the_whole_megabyte_comes_back_as_it_was_written(openocd: OpenOcd, blank: ServedUnit, tmp_path: Path) -> None:
    program_verify_dump(openocd, blank, tmp_path, 1024 * 1024, ahead=True)


def test_verify_sees_a_single_wrong_byte(openocd: OpenOcd, served: Serve, tmp_path: Path) -> None:
    unit = served("healthy")
    data = bytearray(unit.flash(FLASH, 4096))
    data[4000] ^= 0x10
    image = tmp_path / "image.bin"
    image.write_bytes(data)
    text = openocd(unit, "reset halt", f'format "verify failed: %d" [catch {{verify_image {image} {FLASH:#x} bin}}]')
    assert "checksum mismatch" in text
    assert re.search(r"verify failed: -?[1-9]", text)


def test_it_reads_the_option_bytes(openocd: OpenOcd, blank: ServedUnit) -> None:
    text = openocd(blank, "reset halt", "stm32h7x option_read 0 0x1c", "stm32h7x option_read 0 0x40")
    assert "0x306aad0" in text.lower()
    assert "0x1ff00800" in text.lower()


def test_it_breaks_no_rule_of_the_wire(openocd: OpenOcd, blank: ServedUnit) -> None:
    openocd(blank, "reset halt", "mdw 0x20000000 64", "stm32h7x option_read 0 0x1c")
    counters = blank.unit.chip.counters
    assert counters.ap_reads > 100
    assert counters.violation_counts == {}
