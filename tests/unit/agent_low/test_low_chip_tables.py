"""Agent, job and twin have tables of their own; they say the same of each part, and docs/chips.md says it, too."""

from __future__ import annotations

from pathlib import Path

import pytest
from low_chip import FLASH

from bmsrescue.twin import chips_page
from bmsrescue.twin.chip.memory_map import DTCM
from bmsrescue.twin.chip.parts import PARTS
from rescue.chips.stm32h7 import dies
from rescuelink.targets import FLASH_BASE, TARGETS

DOCUMENT = Path(__file__).parents[3] / "docs" / "chips.md"


@pytest.mark.parametrize("part", sorted(PARTS))
def test_the_agent_knows_the_part_as_the_twin_is(part: str) -> None:
    chip, die, geometry = dies.find(PARTS[part].die.device_id), PARTS[part].die, PARTS[part].geometry
    assert chip is not None, (
        f"write a class for DEV_ID {die.device_id:#x} into chips/stm32h7/dies.py, and name it in find()"
    )
    assert (chip.dev_id, chip.flash_base, geometry.base) == (die.device_id, FLASH, FLASH)
    assert (chip.sector_bytes, chip.word_bytes) == (geometry.sector_size, geometry.word_size)
    assert chip.bank_bytes == die.bank_size
    assert (chip.flash_size_address, chip.uid_address) == (die.flash_size, die.unique_id)
    assert chip.part_name_address == die.part_name
    assert chip.revisions[die.revision_id]
    assert chip.wpsn[0] == die.protect_sectors
    assert 1 << chip.wpsn[1] == PARTS[part].factory_wpsn + 1
    idle, start, shift, flags = chip.control
    assert (start, shift, flags) == (die.control.start, die.control.sector_shift, die.control.flags)
    assert idle == (0 if die.control.psize_shift is None else 3 << die.control.psize_shift)
    assert chip.work_ram == DTCM


@pytest.mark.parametrize("part", sorted(PARTS))
def test_a_job_for_the_part_has_its_geometry_and_its_memories(part: str) -> None:
    assert f"STM32{part}" in TARGETS, f"add STM32{part} to TARGETS of shared/rescuelink/targets.py"
    facts, die = TARGETS[f"STM32{part}"], PARTS[part].die
    chip = dies.find(die.device_id)
    assert chip.flash_base == FLASH_BASE
    assert facts.dev_id == die.device_id
    assert PARTS[part].flash_kib in facts.flash_kib
    assert (facts.sector_bytes, facts.word_bytes) == (die.sector_size, die.word_size)
    assert facts.ram == chip.stack_ranges
    for ram in die.rams:
        if ram.name != "BKPRAM":  # no place for a stack: its clock is off after reset
            inside = [low <= ram.start and ram.start + ram.size <= high for low, high in chip.stack_ranges]
            assert any(inside), ram.name


def test_the_job_knows_no_part_that_the_twin_cannot_be() -> None:
    unknown = set(TARGETS) - {f"STM32{part}" for part in PARTS}
    assert not unknown, f"add to PARTS of host/bmsrescue/twin/chip/parts.py: {sorted(unknown)}"


def test_the_document_has_todays_table() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert chips_page.with_table(text) == text, "run: python -m bmsrescue.twin.chips_page docs/chips.md"
