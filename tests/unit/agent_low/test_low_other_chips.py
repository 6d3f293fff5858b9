"""The same driver on the other dies: two banks, 8 KiB sectors, 16-byte flash words, grouped write protection."""

import random
from dataclasses import replace
from typing import Any

import pytest
from low_chip import FLASH, Bench

from bmsrescue.twin.chip.config import ChipConfig
from rescue.chips.stm32h7.option_writer import OptionWriter
from rescuelink.consent import ERASE, PROGRAM, WRITE_PROTECTION, Consent
from rescuelink.errors import ConsentError, FlashError

MIB = 1 << 20
BANK2 = FLASH + MIB
EVERYTHING = Consent((ERASE, PROGRAM, WRITE_PROTECTION), "policy:test", tuple(range(256)))
NEW = random.Random(5).randbytes(4096 + 48)

TWO_BANKS = ["H743", "H753", "H7A3", "H7B3"]
SECTOR = {"H743": 128 * 1024, "H753": 128 * 1024, "H7A3": 8192, "H7B3": 8192, "H7B0": 8192, "H730": 128 * 1024}
WORD = {"H743": 32, "H753": 32, "H7A3": 16, "H7B3": 16, "H7B0": 16, "H730": 32}
PROTECTED = {"H743": [3], "H753": [3], "H7A3": [12, 13, 14, 15], "H7B3": [12, 13, 14, 15]}
"""The sectors of bit 3."""

IDENTITIES = {
    "H723": ("STM32H723", 0x483, "Z", 1024, 8),
    "H730": ("STM32H730", 0x483, "Z", 128, 1),
    "H733": ("STM32H733", 0x483, "Z", 1024, 8),
    "H735": ("STM32H735", 0x483, "Z", 1024, 8),
    "H743": ("STM32H743", 0x450, "V", 2048, 16),
    "H753": ("STM32H753", 0x450, "V", 2048, 16),
    "H7A3": ("STM32H7Ax", 0x480, "A", 2048, 256),
    "H7B0": ("STM32H7Ax", 0x480, "A", 128, 16),
    "H7B3": ("STM32H7Ax", 0x480, "A", 2048, 256),
}
"""Name, DEV_ID, revision, KiB and sectors of each part; the H725 has tests of its own."""


def ready(part: str) -> tuple[Bench, Any]:
    bench = Bench(config=ChipConfig(part=part))
    h7 = bench.h7()
    h7.flash.unlock()
    return bench, h7


@pytest.mark.parametrize(
    ("part", "name", "dev_id", "revision", "kib", "sectors"),
    [(part, *facts) for part, facts in IDENTITIES.items()],
)
def test_each_part_says_who_it_is(part: str, name: str, dev_id: int, revision: str, kib: int, sectors: int) -> None:
    bench = Bench(config=ChipConfig(part=part))
    h7 = bench.h7()
    identity = h7.identity()
    assert identity["name"] == name
    assert identity["dev_id"] == dev_id
    assert identity["revision"] == revision
    assert identity["flash_kib"] == kib
    low, middle, high = bench.chip.config.unique_id
    assert identity["uid"] == f"{high:08X}{middle:08X}{low:08X}"
    assert len(h7.flash.sectors()) == sectors


@pytest.mark.parametrize("by_core", [True, False], ids=["by the core", "word by word"])
@pytest.mark.parametrize("part", [*TWO_BANKS, "H7B0", "H730"])
def test_both_ends_of_each_bank_are_erased_and_programmed(part: str, by_core: bool) -> None:
    bench, h7 = ready(part)
    flash, size, sector, word = h7.flash, h7.flash.size, SECTOR[part], WORD[part]
    flash.by_core = by_core
    data = NEW[: len(NEW) // word * word]
    wanted = bytearray(bench.chip.flash.snapshot())
    ends = {0, size - sector} | ({MIB - sector, MIB} if size > MIB else set())
    for at in sorted(ends):
        bench.chip.flash.load(FLASH + at, b"\x55" * sector)
        flash.erase(at // sector, EVERYTHING)
        flash.program(FLASH + at + word, data, EVERYTHING, erased=True)
        wanted[at + word : at + word + len(data)] = data
        back = bytearray(len(data))
        assert flash.read(FLASH + at + word, back) == []
        assert back == data
    flash.lock()
    assert bench.chip.flash.snapshot() == wanted
    assert not bench.chip.counters.violations
    with pytest.raises(FlashError, match="locked"):
        flash.program(FLASH, NEW[:32], EVERYTHING, erased=True)


@pytest.mark.parametrize("part", TWO_BANKS)
def test_a_torn_word_of_the_second_bank_is_found_and_nothing_else_is(part: str) -> None:
    bench, h7 = ready(part)
    torn = BANK2 + 5 * WORD[part]
    bench.chip.flash.load(BANK2, NEW)
    bench.chip.flash.tear(torn)
    back = bytearray(1024)
    assert h7.flash.read(BANK2, back) == [torn]
    assert back[: 5 * WORD[part]] == NEW[: 5 * WORD[part]]
    assert back[6 * WORD[part] :] == NEW[6 * WORD[part] : 1024]
    assert h7.flash.read(BANK2 + 2048, back) == [], "its flags do not stay"


@pytest.mark.parametrize("part", TWO_BANKS)
def test_the_core_checks_flash_of_both_banks(part: str) -> None:
    import hashlib

    bench, h7 = ready(part)
    bench.chip.flash.load(BANK2, NEW)
    assert h7.digest.sha256(BANK2, 4096) == hashlib.sha256(NEW[:4096]).digest()
    bench.chip.flash.tear(BANK2)
    assert h7.digest.sha256(BANK2, 4096) is None


def test_several_small_sectors_are_erased_in_one_go_each_under_consent() -> None:
    bench, h7 = ready("H7A3")
    bench.chip.flash.load(BANK2, b"\x55" * (4 * 8192))
    some = Consent((ERASE,), "policy:test", (128, 129))
    with pytest.raises(ConsentError):
        h7.flash.start_erase(128, some, 3)
    h7.flash.start_erase(128, some, 2)
    h7.flash.wait_erased()
    assert bench.chip.flash.snapshot()[MIB : MIB + 4 * 8192] == b"\xff" * 16384 + b"\x55" * 16384


@pytest.mark.parametrize("part", TWO_BANKS)
def test_write_protection_of_the_second_bank_is_read_lifted_and_put_back(part: str) -> None:
    bench, h7 = ready(part)
    stored = bench.chip.options.factory
    bench.chip.options.preset(replace(stored, wpsn2=stored.wpsn2 & ~0x8))
    sectors = h7.flash.size // SECTOR[part]
    protected = [sectors // 2 + sector for sector in PROTECTED[part]]
    assert h7.options.read()["wrp_sectors"] == protected
    with pytest.raises(FlashError) as caught:
        h7.flash.erase(protected[0], EVERYTHING)
    assert caught.value.kind == "write_protected"
    bit = 1 << protected[0] // len(protected)
    OptionWriter(h7).change([("wpsn", bit, bit)], EVERYTHING)
    assert bench.chip.options.stored == stored
    h7.flash.erase(protected[0], EVERYTHING)
    OptionWriter(h7).change([("wpsn", 0, bit)], EVERYTHING)
    assert h7.options.read()["wrp_sectors"] == protected


@pytest.mark.parametrize("part", ["H743", "H7A3"])
def test_swapped_banks_are_worked_on_where_they_appear(part: str) -> None:
    bench = Bench(config=ChipConfig(part=part))
    bench.chip.flash.load(FLASH, NEW)
    stored = bench.chip.options.factory
    bench.chip.options.preset(replace(stored, optsr=stored.optsr | 1 << 31))
    bench.power_cycle()
    h7 = bench.h7()
    h7.flash.unlock()
    back = bytearray(4096)
    assert h7.flash.read(BANK2, back) == [], "what was in the first bank is now seen as the second"
    assert back == NEW[:4096]
    h7.flash.program(FLASH, NEW[:1024], EVERYTHING)
    assert bench.chip.flash.snapshot()[:1024] == NEW[:1024]
