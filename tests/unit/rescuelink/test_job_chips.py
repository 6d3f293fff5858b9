"""A job is held to the chip it names: flash size, flash word, sectors, memories, option bytes."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from rescuelink.errors import JobError
from rescuelink.job import default_job, validate
from rescuelink.vectors import check_vectors

SHA = "ab" * 32


def document(chip: str, flash_kib: int, address: int = 0x08000000) -> dict[str, Any]:
    segments = [{"address": 0x08000000, "length": 64, "offset": 0, "sha256": SHA}]
    if address != 0x08000000:
        segments.append({"address": address, "length": 64, "offset": 64, "sha256": SHA})
    return default_job("bms.bin", SHA, segments, chip=chip, flash_kib=flash_kib)


def test_the_second_bank_belongs_to_the_flash_of_an_h743() -> None:
    assert validate(document("STM32H743", 2048, 0x081FFFC0)).image.segments[1].address == 0x081FFFC0
    with pytest.raises(JobError, match="outside the flash"):
        validate(document("STM32H723", 1024, 0x08100000))


@pytest.mark.parametrize(("chip", "flash_kib"), [("STM32H743", 1024), ("STM32H7A3", 1024), ("STM32H7B0", 2048)])
def test_parts_that_are_not_served_are_refused_by_their_flash_size(chip: str, flash_kib: int) -> None:
    with pytest.raises(JobError, match="flash_kib"):
        validate(document(chip, flash_kib))


def test_a_segment_starts_at_a_flash_word_of_its_chip() -> None:
    assert validate(document("STM32H7A3", 2048, 0x08002010)).word_bytes == 16
    with pytest.raises(JobError, match="multiple of 32"):
        validate(document("STM32H743", 2048, 0x08002010))


def test_consent_names_any_of_256_small_sectors() -> None:
    wanted = document("STM32H7A3", 2048)
    wanted["policy"]["consent"] = ["sector:255"]
    assert validate(wanted).consent == ["sector:255"]
    wanted["policy"]["consent"] = ["sector:256"]
    with pytest.raises(JobError, match="sector:255"):
        validate(wanted)


def test_only_the_h72x_has_a_second_option_word() -> None:
    options = {"optsr2": {"value": 0}}
    assert validate({**document("STM32H725", 1024), "options": options}).options == [["optsr2", 0, 0x7]]
    with pytest.raises(JobError, match="optsr2"):
        validate({**document("STM32H743", 2048), "options": options})


def test_banks_are_never_swapped_by_a_job() -> None:
    with pytest.raises(JobError, match="mask"):
        validate({**document("STM32H743", 2048), "options": {"optsr": {"value": 0, "mask": "0x80000000"}}})


@pytest.mark.parametrize(("chip", "flash_kib", "good"), [("STM32H725", 1024, False), ("STM32H743", 2048, True)])
def test_a_stack_lies_in_the_memories_of_the_chip(chip: str, flash_kib: int, good: bool) -> None:
    head = struct.pack("<II", 0x24080000, 0x08000009)
    job = validate(document(chip, flash_kib))
    if good:
        check_vectors(job, head)
    else:
        with pytest.raises(JobError, match="vector table"):
            check_vectors(job, head)
