"""The CRC routine that runs on the target's own core."""

import binascii
import random
import shutil
import subprocess
from pathlib import Path

import pytest
from low_chip import FLASH, SECTOR, Bench

from bmsrescue.agent_files import device_dir
from rescue.chips import target_crc
from rescue.debug import connect as rungs

IMAGE = random.Random(3).randbytes(SECTOR)
DTCM = 0x20000000


def test_a_sectors_crc_is_that_of_binascii() -> None:
    crc = Bench(IMAGE).h7().crc
    assert crc.crc32(FLASH, SECTOR) == binascii.crc32(IMAGE)
    assert crc.reason == ""


@pytest.mark.parametrize(("start", "length"), [(0, 4), (4, 8), (0x1FC, 0x1004), (SECTOR - 4, 4)])
def test_any_range_of_whole_words(start: int, length: int) -> None:
    crc = Bench(IMAGE).h7().crc
    assert crc.crc32(FLASH + start, length) == binascii.crc32(IMAGE[start : start + length])


def test_a_crc_can_be_continued() -> None:
    crc = Bench(IMAGE).h7().crc
    half = crc.crc32(FLASH, 0x400)
    assert crc.crc32(FLASH + 0x400, 0x400, half) == binascii.crc32(IMAGE[:0x800])
    assert crc.crc32(FLASH, 0, half) == half


def test_a_blank_sector_is_known_by_its_crc() -> None:
    crc = Bench().h7().crc
    assert crc.crc32(FLASH, SECTOR) == target_crc.crc32_of_blank(SECTOR) == binascii.crc32(b"\xff" * SECTOR)


def test_a_sector_costs_a_few_thousand_clocks_instead_of_a_million_and_a_half() -> None:
    bench = Bench(IMAGE)
    crc = bench.h7().crc
    crc.crc32(FLASH, 4)
    before = bench.bits.cycles
    crc.crc32(FLASH, SECTOR)
    assert bench.bits.cycles - before < 10_000


def test_a_torn_word_makes_it_none_with_a_reason_and_the_next_range_works() -> None:
    bench = Bench(IMAGE)
    bench.chip.flash.tear(FLASH + 0x1000)
    crc = bench.h7().crc
    assert crc.crc32(FLASH, SECTOR) is None
    assert "0x08001000" in crc.reason
    assert crc.crc32(FLASH + 0x2000, 0x1000) == binascii.crc32(IMAGE[0x2000:0x3000])


def test_a_running_unit_is_reset_into_halt_first() -> None:
    h7 = Bench(IMAGE).h7(rungs.ATTACH)
    assert h7.crc.crc32(FLASH, 0x100) == binascii.crc32(IMAGE[:0x100])
    assert h7.target.core.state() == "halted"


def test_a_core_that_computes_wrongly_is_found_out_and_not_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(IMAGE)
    h7 = bench.h7()
    broken = bytearray(target_crc.CODE)
    broken[-1] ^= 1  # one bit of the table
    monkeypatch.setattr(h7.target.core.ap, "write_block", lambda _address, _buf: bench_write(bytes(broken)))
    write_block = type(h7.target.core.ap).write_block

    def bench_write(data: bytes) -> None:
        write_block(h7.target.core.ap, DTCM, data)

    assert h7.crc.crc32(FLASH, 0x100) is None
    assert "self-test" in h7.crc.reason
    monkeypatch.undo()
    cycles = bench.bits.cycles
    assert h7.crc.crc32(FLASH, 0x100) is None
    assert bench.bits.cycles == cycles


@pytest.mark.skipif(shutil.which("arm-none-eabi-gcc") is None, reason="arm-none-eabi-gcc is not installed")
def test_the_bytes_are_the_assembled_source(tmp_path: Path) -> None:
    source = device_dir() / "rescue" / "chips" / "target_crc.S"
    assembled, binary = tmp_path / "crc.o", tmp_path / "crc.bin"
    subprocess.run(
        ["arm-none-eabi-gcc", "-mcpu=cortex-m7", "-mthumb", "-c", str(source), "-o", str(assembled)], check=True
    )
    subprocess.run(["arm-none-eabi-objcopy", "-O", "binary", "-j", ".text", str(assembled), str(binary)], check=True)
    assert binary.read_bytes() == target_crc.CODE
