"""Which sectors are treated as one: few blocks for many small sectors, and none that is the job's only in part."""

from __future__ import annotations

from typing import Any

import pytest

from bmsrescue.agent.files import make_importable
from rescuelink.job import default_job, validate

make_importable()

from rescue.engine.common.blocks import blocks, owned_bytes  # noqa: E402

FLASH, BANK2 = 0x08000000, 0x08100000
SHA = "ab" * 32


def job_for(chip: str, flash_kib: int, *pieces: tuple[int, int], consent: tuple[str, ...] = ()) -> Any:
    segments: list[dict[str, object]] = []
    offset = 0
    for address, length in pieces:
        segments.append({"address": address, "length": length, "offset": offset, "sha256": SHA})
        offset += length
    document = default_job("bms.bin", SHA, segments, chip=chip, flash_kib=flash_kib)
    document["policy"] = {"consent": list(consent)}
    return validate(document)


def sectors_of(job: Any) -> list[tuple[int, int, int]]:
    size = job.sector_bytes
    return [(n, FLASH + n * size, size) for n in range(job.flash_kib * 1024 // size)]


@pytest.mark.parametrize(("chip", "flash_kib"), [("STM32H725", 1024), ("STM32H743", 2048), ("STM32H7B0", 128)])
def test_where_there_are_few_sectors_each_is_a_block(chip: str, flash_kib: int) -> None:
    job = job_for(chip, flash_kib, (FLASH, 9000))
    assert [(index, address, size) for index, address, size, _ in blocks(sectors_of(job), job)] == sectors_of(job)


@pytest.mark.parametrize(
    "pieces",
    [
        ((FLASH, 2700), (BANK2, 43_000)),
        ((FLASH, 1 << 20),),
        ((FLASH, 3 * 8192), (FLASH + 0x40000, 5 * 8192), (BANK2 + 0x2000, 300_000)),
        ((FLASH, (2 << 20) - 8192),),
    ],
)
def test_256_sectors_make_a_few_dozen_blocks_that_are_owned_whole_or_not_at_all(
    pieces: tuple[tuple[int, int], ...],
) -> None:
    job = job_for("STM32H7A3", 2048, *pieces)
    found = blocks(sectors_of(job), job)
    assert len(found) <= 40
    at = FLASH
    for index, address, size, owned in found:
        assert (address, FLASH + index * 8192) == (at, at)
        assert {job.owns(a, 8192) for a in range(address, address + size, 8192)} == {owned}
        assert address // (1 << 20) == (address + size - 1) // (1 << 20), "within one bank"
        at += size
    assert at == FLASH + (2 << 20)


def test_a_small_image_keeps_its_sectors_single() -> None:
    job = job_for("STM32H7A3", 2048, (FLASH, 2700), (BANK2, 43_000))
    assert [block[:1] for block in blocks(sectors_of(job), job) if block[3]] == [[0], *([n] for n in range(128, 134))]
    assert owned_bytes(job) == 8192


def test_a_sector_that_consent_names_stands_alone() -> None:
    job = job_for("STM32H7A3", 2048, (FLASH, 2700), consent=("sector:255", "sector:40"))
    sizes = {index: size for index, _, size, _ in blocks(sectors_of(job), job)}
    assert sizes[40] == sizes[255] == 8192
    assert sizes[41] > 8192
