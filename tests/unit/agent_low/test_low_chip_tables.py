"""Agent, job and twin have tables of their own; they say the same of each part, and docs/chips.md says it, too."""

from __future__ import annotations

from pathlib import Path

import pytest
from low_chip import FLASH
from test_low_other_chips import IDENTITIES

from bmsrescue.twin import chips_page
from bmsrescue.twin.chip.memory_map import DTCM
from bmsrescue.twin.chip.parts import DEFAULT_PART, PARTS
from rescue.chips.stm32h7 import dies
from rescuelink.targets import FLASH_BASE, TARGETS

DOCUMENT = Path(__file__).parents[3] / "docs" / "chips.md"


@pytest.mark.parametrize("part", sorted(PARTS))
def test_the_agent_knows_the_part_as_the_twin_is(part: str) -> None:
    chip, die, geometry = dies.find(PARTS[part].die.device_id), PARTS[part].die, PARTS[part].geometry
    assert chip is not None, (
        f"write a class for DEV_ID {die.device_id:#x} into chips/stm32h7/dies.py, and name it in find()"
    )
    assert geometry.base == FLASH
    idle = 0 if die.control.psize_shift is None else 3 << die.control.psize_shift
    asked = {
        "dev_id": die.device_id,
        "flash_base": geometry.base,
        "sector_bytes": geometry.sector_size,
        "word_bytes": geometry.word_size,
        "bank_bytes": die.bank_size,
        "flash_size_address": die.flash_size,
        "uid_address": die.unique_id,
        "part_name_address": die.part_name,
        "wpsn": (die.protect_sectors, PARTS[part].factory_wpsn.bit_length()),
        "control": (idle, die.control.start, die.control.sector_shift, die.control.flags),
        "work_ram": DTCM,
    }
    wrong = [
        f"{name} is {getattr(chip, name)!r}, the twin's die says {twins!r}"
        for name, twins in asked.items()
        if getattr(chip, name) != twins
    ]
    assert not wrong, f"{chip.__name__} in device/rescue/chips/stm32h7: {'; '.join(wrong)}"
    assert die.revision_id in chip.revisions, f"{chip.__name__}.revisions lacks the twin's {die.revision_id:#x}"


@pytest.mark.parametrize("part", sorted(PARTS))
def test_a_job_for_the_part_has_its_geometry_and_its_memories(part: str) -> None:
    assert f"STM32{part}" in TARGETS, f"add STM32{part} to TARGETS of shared/rescuelink/targets.py"
    facts, die = TARGETS[f"STM32{part}"], PARTS[part].die
    chip = dies.find(die.device_id)
    assert chip.flash_base == FLASH_BASE
    assert facts.dev_id == die.device_id
    assert PARTS[part].flash_kib in facts.flash_kib, (
        f"give STM32{part} facts with flash_kib {PARTS[part].flash_kib} in shared/rescuelink/targets.py"
    )
    assert (facts.sector_bytes, facts.word_bytes) == (die.sector_size, die.word_size)
    assert facts.ram == chip.stack_ranges, f"TARGETS and {chip.__name__}.stack_ranges differ: {facts.ram}"
    for ram in die.rams:
        if ram.name != "BKPRAM":  # no place for a stack: its clock is off after reset
            inside = [low <= ram.start and ram.start + ram.size <= high for low, high in chip.stack_ranges]
            assert any(inside), ram.name


def test_the_job_knows_no_part_that_the_twin_cannot_be() -> None:
    unknown = set(TARGETS) - {f"STM32{part}" for part in PARTS}
    assert not unknown, f"add to PARTS of host/bmsrescue/twin/chip/parts.py: {sorted(unknown)}"


def test_no_part_is_said_to_be_judged_before_it_is() -> None:
    """What OpenOCD, pyOCD and a MicroPython have shown is held where they run (tests/third_party, tests/agent)."""
    assert {*IDENTITIES, DEFAULT_PART} == chips_page.DRIVER, "DRIVER of host/bmsrescue/twin/chips_page.py names these"
    missing = sorted(set(PARTS) - chips_page.DRIVER)
    assert not missing, (
        f"add to IDENTITIES of tests/unit/agent_low/test_low_other_chips.py, "
        f"then to DRIVER of host/bmsrescue/twin/chips_page.py: {missing}"
    )


def test_the_document_has_todays_table() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert chips_page.with_table(text) == text, "run: python -m bmsrescue.twin.chips_page docs/chips.md"
