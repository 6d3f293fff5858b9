"""OpenOCD 0.12 takes the twin for each part of the family: probes, protects, erases, programs, verifies, dumps it.

What OpenOCD must find is written here from ST's documents (docs/reference/chip.md#family-differences),
not taken from the twin's own table.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from bmsrescue.twin import chips_page
from served_unit import ServedUnit

BANKS = (0x08000000, 0x08100000)
ONES = b"\xff"
PIECE = 3 * 1024 + 32
"""More than a page of OpenOCD's buffers, and no whole number of anything."""

Serve = Callable[..., ServedUnit]
OpenOcd = Callable[..., str]


@dataclass(frozen=True)
class Expected:
    part: str
    device: str
    idcode: int
    flash_kib: int
    banks: int
    sector_kib: int
    protect_kib: int
    """What one write protection bit covers."""


CHIPS = [
    Expected("H723", "STM32H72x/73x", 0x10016483, 1024, 1, 128, 128),
    Expected("H730", "STM32H72x/73x", 0x10016483, 128, 1, 128, 128),
    Expected("H733", "STM32H72x/73x", 0x10016483, 1024, 1, 128, 128),
    Expected("H735", "STM32H72x/73x", 0x10016483, 1024, 1, 128, 128),
    Expected("H743", "STM32H74x/75x", 0x20036450, 2048, 2, 128, 128),
    Expected("H753", "STM32H74x/75x", 0x20036450, 2048, 2, 128, 128),
    Expected("H7A3", "STM32H7Ax/7Bx", 0x10006480, 2048, 2, 8, 32),
    Expected("H7B0", "STM32H7Ax/7Bx", 0x10006480, 128, 1, 8, 32),
    Expected("H7B3", "STM32H7Ax/7Bx", 0x10006480, 2048, 2, 8, 32),
]
"""The H725 has tests of its own (test_openocd.py)."""
IN_TWO_BANKS = [chip for chip in CHIPS if chip.banks == 2]


def by_part(chips: list[Expected]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("chip", chips, ids=[chip.part for chip in chips])


def test_the_document_claims_the_parts_that_are_judged_here() -> None:
    assert {chip.part for chip in CHIPS} | {"H725"} == chips_page.OPENOCD, (
        "OPENOCD of host/bmsrescue/twin/chips_page.py"
    )


@by_part(CHIPS)
def test_it_probes_each_part_and_programs_both_ends_of_each_bank(
    openocd: OpenOcd, served: Serve, chip: Expected, tmp_path: Path
) -> None:
    unit = served("blank", chip=chip.part)
    flash = unit.unit.chip.flash
    for number in range(flash.geometry.sectors):
        flash.blank(number)
    wanted = bytearray(ONES * chip.flash_kib * 1024)
    assert unit.flash(BANKS[0], len(wanted)) == wanted
    bank_bytes, sector = chip.flash_kib // chip.banks * 1024, chip.sector_kib * 1024
    steps = ["reset halt", "mdw 0x5c001000"]
    steps += [f"flash {command} {bank}" for bank in range(chip.banks) for command in ("probe", "info")]
    places = [base + at for base in BANKS[: chip.banks] for at in sorted({0, bank_bytes - sector})]
    for place in places:
        image, dump = tmp_path / f"{place:08x}.bin", tmp_path / f"{place:08x}.dump"
        flash.load(place, b"\x55" * sector)
        data = random.Random(place).randbytes(PIECE)
        image.write_bytes(data)
        wanted[place - BANKS[0] : place - BANKS[0] + PIECE] = data
        steps += [
            f"flash write_image erase {image} {place:#x} bin",
            f"verify_image {image} {place:#x} bin",
            f"dump_image {dump} {place:#x} {PIECE:#x}",
        ]
    text = openocd(unit, *steps, dual_bank=chip.banks == 2)

    assert f"0x5c001000: {chip.idcode:08x}" in text
    assert f"Device: {chip.device}" in text
    assert "unknown" not in text, "the revision has a name"
    assert f"flash size probed value {chip.flash_kib}k" in text
    assert f"STM32H7 flash has {'dual banks' if chip.banks == 2 else 'a single bank'}" in text
    for bank in range(chip.banks):
        assert f"Bank ({bank}) size is {bank_bytes // 1024} kb, base address is 0x{BANKS[bank]:08x}" in text
    assert len(re.findall(rf"{chip.protect_kib}kB\) not protected", text)) == chip.flash_kib // chip.protect_kib

    assert text.count(f"wrote {PIECE} bytes from file") == text.count(f"verified {PIECE} bytes") == len(places)
    for place in places:
        assert (tmp_path / f"{place:08x}.dump").read_bytes() == (tmp_path / f"{place:08x}.bin").read_bytes()
    assert unit.flash(BANKS[0], len(wanted)) == wanted, "nothing else was written, and whole sectors were erased"


@by_part(IN_TWO_BANKS)
def test_a_mass_erase_of_the_second_bank_leaves_the_first(openocd: OpenOcd, served: Serve, chip: Expected) -> None:
    unit = served("healthy", chip=chip.part)
    before = unit.flash(BANKS[0], 2 << 20)
    assert before[1 << 20 :] != ONES * (1 << 20)
    text = openocd(unit, "reset halt", "stm32h7x mass_erase 1", dual_bank=True)
    assert "stm32h7x mass erase complete" in text
    assert unit.flash(BANKS[0], 1 << 20) == before[: 1 << 20]
    assert unit.flash(BANKS[1], 1 << 20) == ONES * (1 << 20)


@by_part([chip for chip in CHIPS if chip.part in ("H743", "H7A3")])
def test_write_protection_by_openocd_covers_the_sectors_it_names(
    openocd: OpenOcd, served: Serve, chip: Expected, tmp_path: Path
) -> None:
    unit = served("blank", chip=chip.part)
    protected, open_bank = 5, BANKS[1]
    inside = open_bank + protected * chip.protect_kib * 1024 + (chip.protect_kib - chip.sector_kib) * 1024
    image = tmp_path / "image.bin"
    image.write_bytes(b"\x12\x34" * 64)
    text = openocd(
        unit,
        "reset halt",
        f"flash protect 1 {protected} {protected} on",
        "flash info 1",
        f'format "inside: %d" [catch {{flash write_image erase {image} {inside:#x} bin}}]',
        f"flash write_image erase {image} {inside + chip.sector_kib * 1024:#x} bin",
        f"flash protect 1 {protected} {protected} off",
        f"flash write_image erase {image} {inside:#x} bin",
        f"verify_image {image} {inside:#x} bin",
        dual_bank=True,
    )
    assert len(re.findall(r"kB\) protected", text)) == 1
    assert re.search(r"inside: -?[1-9]", text), "the last sector of the protected group is not erased"
    assert "WRPERR" in text
    assert "verified 128 bytes" in text
