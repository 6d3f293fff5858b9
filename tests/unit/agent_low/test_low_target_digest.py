"""The SHA-256 routine that runs on the target's own core."""

import random
import shutil
import subprocess
import zlib
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

import pytest
from low_chip import FLASH, SECTOR, Bench

from bmsrescue.agent.files import device_dir
from rescue.chips.stm32h7 import digest_code
from rescue.debug import connect as rungs
from rescue.debug.ap import MemAp
from rescuelink.errors import PowerError, TargetError

IMAGE = random.Random(3).randbytes(SECTOR)
DTCM = 0x20000000
MIB = 1 << 20
MOST_S_PER_MIB = 1.0
HSI_HZ = 64_000_000
_STACK_LOW, _JOB, _MAILBOX = 0x600, 0x7B0, 0x7E0
_LOADER = 0x400


def of(data: bytes) -> bytes:
    return sha256(data).digest()


def test_a_sectors_digest_is_that_of_hashlib() -> None:
    digest = Bench(IMAGE).h7().digest
    assert digest.sha256(FLASH, SECTOR) == of(IMAGE)
    assert digest.reason == ""


# Both sides of each border of the padding, addresses that are no words, and one byte.
_RANGES = [(0, length) for length in (1, 3, 4, 54, 55, 56, 57, 63, 64, 65, 119, 120, 127, 128, 129)]
_RANGES += [(1, 64), (2, 55), (3, 56), (0x1FC, 0x1004), (0x2FF, 4099), (SECTOR - 1, 1)]


def test_any_address_and_any_length() -> None:
    digest = Bench(IMAGE).h7().digest
    for start, length in _RANGES:
        assert digest.sha256(FLASH + start, length) == of(IMAGE[start : start + length]), (start, length)


def test_the_blank_end_begins_after_the_last_byte_that_is_not_blank() -> None:
    bench = Bench(IMAGE[:0x4321])
    digest = bench.h7().digest
    assert digest.look(FLASH, SECTOR, 100) == (FLASH + 0x4330, of(IMAGE[:100]))
    assert digest.is_blank(FLASH + 0x4330, SECTOR - 0x4330) is True
    assert digest.is_blank(FLASH + 0x4320, SECTOR - 0x4320) is False
    assert digest.look(FLASH + SECTOR, SECTOR, SECTOR)[0] == FLASH + SECTOR


def test_one_zero_bit_anywhere_is_not_blank() -> None:
    for at in (0, 5, 15, 16, 0x1003, SECTOR - 1):
        bench = Bench()
        bench.chip.flash.load(FLASH, b"\xff" * at + b"\xfe")
        found = bench.h7().digest.look(FLASH, SECTOR, 0)
        assert found[0] == FLASH + at // 16 * 16 + 16


def test_blocks_that_carry_their_own_crc_are_told_apart() -> None:
    blocks = []
    for seed in (1, 2):
        data = random.Random(seed).randbytes(SECTOR - 4)
        blocks.append(data + zlib_crc(data))
    assert zlib_crc(blocks[0]) == zlib_crc(blocks[1])  # what a CRC makes of them
    found = [Bench(block).h7().digest.sha256(FLASH, SECTOR) for block in blocks]
    assert found == [of(block) for block in blocks]


def zlib_crc(data: bytes) -> bytes:
    return zlib.crc32(data).to_bytes(4, "little")


def test_a_mebibyte_takes_at_most_a_second_of_the_core() -> None:
    bench = Bench(IMAGE * 8)
    digest = bench.h7().digest
    digest.sha256(FLASH, 4)
    core = bench.chip.core
    before = core.cycles
    assert digest.sha256(FLASH, MIB) == of(IMAGE * 8)
    assert (core.cycles - before) / HSI_HZ <= MOST_S_PER_MIB


def test_a_sector_costs_a_few_thousand_clocks_instead_of_a_million_and_a_half() -> None:
    bench = Bench(IMAGE)
    digest = bench.h7().digest
    digest.sha256(FLASH, 4)
    before = bench.bits.cycles
    digest.look(FLASH, SECTOR, SECTOR)
    assert bench.bits.cycles - before < 5_000


def test_the_watchdog_is_fed_while_the_core_works() -> None:
    bench = Bench(IMAGE * 8)
    h7 = bench.h7()
    h7.target.ap0.write32(0x58004804, 0)
    h7.target.ap0.write32(0x58004800, 0x5555)
    h7.target.ap0.write32(0x58004808, 0x80)  # 128 of 8 kHz: 16 ms, of the half second that the work takes
    h7.target.ap0.write32(0x58004800, 0xCCCC)
    assert h7.digest.sha256(FLASH, MIB) == of(IMAGE * 8)


def test_a_torn_word_makes_it_none_with_a_reason_and_the_next_range_works() -> None:
    bench = Bench(IMAGE)
    bench.chip.flash.tear(FLASH + 0x1000)
    digest = bench.h7().digest
    assert digest.sha256(FLASH, SECTOR) is None
    assert "0x08001000" in digest.reason
    assert digest.look(FLASH, SECTOR, 0) is None
    assert digest.is_blank(FLASH, SECTOR) is None
    assert digest.sha256(FLASH + 0x2000, 0x1000) == of(IMAGE[0x2000:0x3000])


def test_blank_is_not_looked_for_in_other_steps() -> None:
    with pytest.raises(TargetError, match="16 bytes"):
        Bench().h7().digest.look(FLASH + 4, 32, 0)


def test_a_running_unit_is_reset_into_halt_first() -> None:
    h7 = Bench(IMAGE).h7(rungs.ATTACH)
    assert h7.digest.sha256(FLASH, 0x100) == of(IMAGE[:0x100])
    assert h7.target.core.state() == "halted"


def test_the_rails_are_looked_at_meanwhile() -> None:
    bench = Bench(IMAGE * 8)
    digest = bench.h7().digest
    seen: list[int] = []
    digest.sha256(FLASH, MIB, lambda: seen.append(bench.time.ms()))
    assert max(after - before for before, after in pairwise(seen)) <= 41

    def trip() -> None:
        raise PowerError("brown-out", "3.3 V")

    with pytest.raises(PowerError):
        digest.sha256(FLASH, MIB, trip)
    assert digest.sha256(FLASH, MIB) == of(IMAGE * 8)


def test_what_lies_behind_it_in_the_work_ram_stays_as_it_is() -> None:
    bench = Bench(IMAGE)
    h7 = bench.h7()
    assert len(digest_code.CODE) <= _LOADER
    behind = random.Random(8).randbytes(0x20000 - _LOADER)
    h7.target.ap0.write_block(DTCM + _LOADER, behind)
    assert h7.digest.look(FLASH, SECTOR, 1000) is not None
    found = bytearray(len(behind))
    h7.target.ap0.read_block(DTCM + _LOADER, found)
    assert found[: _STACK_LOW - _LOADER] == behind[: _STACK_LOW - _LOADER]
    assert found[_MAILBOX - _LOADER :] == behind[_MAILBOX - _LOADER :]


def _spoil(monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    # The routine arrives in the RAM with one bit of its last constant wrong.
    write_block = MemAp.write_block
    left = [times]

    def write(self: MemAp, address: int, buf: bytes) -> None:
        data = bytearray(buf)
        if address == DTCM and left[0]:
            left[0] -= 1
            data[len(digest_code.CODE) - 1] ^= 1
        write_block(self, address, data)

    monkeypatch.setattr(MemAp, "write_block", write)


def test_a_core_that_computes_wrongly_is_found_out_and_not_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(IMAGE)
    h7 = bench.h7()
    _spoil(monkeypatch, 2)
    assert h7.digest.sha256(FLASH, 0x100) is None
    assert "self-test" in h7.digest.reason
    cycles = bench.bits.cycles
    assert h7.digest.sha256(FLASH, 0x100) is None
    assert bench.bits.cycles == cycles


def test_a_routine_that_was_spoilt_on_its_way_is_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    h7 = Bench(IMAGE).h7()
    _spoil(monkeypatch, 1)
    assert h7.digest.sha256(FLASH, 0x100) == of(IMAGE[:0x100])


def test_an_answer_to_another_question_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    h7 = Bench(IMAGE).h7()
    assert h7.digest.sha256(FLASH, 64) is not None
    write_block = MemAp.write_block

    def write(self: MemAp, address: int, buf: bytes) -> None:
        # Two bits of the length fall on the way, which a parity bit does not show.
        data = bytearray(buf)
        if address == DTCM + _JOB:
            data[8] ^= 0x30
        write_block(self, address, data)

    monkeypatch.setattr(MemAp, "write_block", write)
    assert h7.digest.look(FLASH, 0x20, 0x70) is None
    assert "asked otherwise" in h7.digest.reason


@pytest.mark.skipif(shutil.which("arm-none-eabi-gcc") is None, reason="arm-none-eabi-gcc is not installed")
def test_the_bytes_are_the_assembled_source(tmp_path: Path) -> None:
    source = device_dir() / "rescue" / "chips" / "stm32h7" / "asm" / "target_digest.S"
    assembled, binary = tmp_path / "digest.o", tmp_path / "digest.bin"
    subprocess.run(
        ["arm-none-eabi-gcc", "-mcpu=cortex-m7", "-mthumb", "-c", str(source), "-o", str(assembled)], check=True
    )
    subprocess.run(["arm-none-eabi-objcopy", "-O", "binary", "-j", ".text", str(assembled), str(binary)], check=True)
    assert binary.read_bytes() == digest_code.CODE
