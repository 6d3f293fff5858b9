"""Erase, program and read flash, on the twin's flash controller."""

import random
from typing import Any

import pytest
from low_chip import ALL_SECTORS, FLASH, SECTOR, Bench

from bmsrescue.twin.chip.config import ChipConfig
from bmsrescue.twin.chip.flash.key_lock import KeyLock
from rescue.chips.stm32h7 import flash_registers as reg
from rescuelink.consent import ERASE, PROGRAM, Consent
from rescuelink.errors import ConsentError, FlashError, WireError

OLD = random.Random(1).randbytes(2 * SECTOR)
NEW = random.Random(2).randbytes(4096)


def ready(image: bytes = b"", config: ChipConfig | None = None) -> tuple[Bench, Any]:
    bench = Bench(image, config)
    flash = bench.h7().flash
    flash.unlock()
    return bench, flash


def test_eight_sectors_of_128_kib() -> None:
    _, flash = ready()
    sectors = flash.sectors()
    assert len(sectors) == 8
    assert sectors[7] == (7, FLASH + 7 * SECTOR, SECTOR)
    assert flash.sector_of(FLASH + SECTOR) == 1


def test_a_sector_is_erased_and_its_neighbour_left_alone() -> None:
    bench, flash = ready(OLD)
    flash.erase(1, ALL_SECTORS)
    assert bench.chip.flash.snapshot()[: 2 * SECTOR] == OLD[:SECTOR] + b"\xff" * SECTOR


def test_what_is_programmed_is_read_back() -> None:
    bench, flash = ready(OLD)
    flash.erase(0, ALL_SECTORS)
    flash.program(FLASH + 64, NEW, ALL_SECTORS, erased=True)
    back = bytearray(len(NEW))
    assert flash.read(FLASH + 64, back) == []
    assert back == NEW
    assert bench.chip.flash.snapshot()[64 : 64 + len(NEW)] == NEW
    assert not bench.chip.counters.violations


@pytest.mark.parametrize("length", [32, 992, 1024, 1056, 2048 + 32])
def test_lengths_that_are_no_whole_blocks_are_programmed_whole(length: int) -> None:
    bench, flash = ready()
    flash.program(FLASH, NEW[:length], ALL_SECTORS)
    assert bench.chip.flash.snapshot()[: length + 32] == NEW[:length] + b"\xff" * 32


def test_blank_flash_words_of_an_image_stay_unprogrammed() -> None:
    bench, flash = ready()
    before = bench.bits.cycles
    flash.program(FLASH, b"\xff" * 8192, ALL_SECTORS, erased=True)
    assert bench.bits.cycles - before < 2000


def test_programming_takes_less_than_300_us_of_the_units_time_per_flash_word_at_4_mhz() -> None:
    bench, flash = ready()
    start = bench.clock.now_ns
    flash.program(FLASH, NEW, ALL_SECTORS, erased=True)
    assert (bench.clock.now_ns - start) / (len(NEW) // 32) < 300_000


def test_no_consent_no_erase_and_no_programming() -> None:
    bench, flash = ready(OLD)
    for_sector_1 = Consent((ERASE, PROGRAM), "operator:long press", (1,))
    with pytest.raises(ConsentError):
        flash.erase(0, for_sector_1)
    with pytest.raises(ConsentError):
        flash.program(FLASH, NEW, for_sector_1, erased=True)
    with pytest.raises(ConsentError):  # the last word is in sector 2
        flash.program(FLASH + 2 * SECTOR - 32, NEW[:64], for_sector_1, erased=True)
    assert bench.chip.flash.snapshot()[: len(OLD)] == OLD


def test_flash_that_is_not_blank_is_not_programmed_over() -> None:
    bench, flash = ready(OLD)
    with pytest.raises(FlashError) as caught:
        flash.program(FLASH, NEW, ALL_SECTORS)
    assert caught.value.kind == "not_blank"
    assert bench.chip.flash.snapshot()[: len(OLD)] == OLD


@pytest.mark.parametrize(("address", "length"), [(FLASH + 8, 32), (FLASH, 31), (FLASH, 33)])
def test_only_whole_flash_words_are_programmed(address: int, length: int) -> None:
    _, flash = ready()
    with pytest.raises(FlashError) as caught:
        flash.program(address, bytes(length), ALL_SECTORS)
    assert caught.value.kind == "alignment"


def test_addresses_outside_flash_are_refused_without_touching_the_chip() -> None:
    bench, flash = ready()
    cycles = bench.bits.cycles
    everything = Consent((ERASE, PROGRAM), "policy:test", tuple(range(100)))
    for act in (
        lambda: flash.erase(8, everything),
        lambda: flash.program(FLASH + 8 * SECTOR, NEW, everything),
        lambda: flash.program(FLASH - 32, NEW, everything),
        lambda: flash.read(FLASH + 8 * SECTOR - 4, bytearray(8)),
    ):
        with pytest.raises(FlashError) as caught:
            act()
        assert caught.value.kind == "range"
    assert bench.bits.cycles == cycles


def test_a_locked_controller_is_not_worked_around() -> None:
    _, flash = ready(OLD)
    flash.lock()
    with pytest.raises(FlashError) as caught:
        flash.erase(0, ALL_SECTORS)
    assert caught.value.kind == "locked"


def test_a_reset_in_between_does_not_leave_the_controller_locked() -> None:
    bench, flash = ready(OLD)
    flash._ap.dp.clock.sleep_ms(1)
    bench.h7()  # connects under reset
    flash.erase(0, ALL_SECTORS)
    assert flash.is_blank(FLASH, SECTOR)


def test_unlocking_twice_does_not_lock_for_good() -> None:
    _, flash = ready(OLD)
    flash.unlock()
    flash.erase(0, ALL_SECTORS)
    assert flash.is_blank(FLASH, SECTOR)


def test_a_spoilt_key_sequence_is_mended_by_a_reset() -> None:
    bench = Bench()
    flash = bench.h7().flash
    with pytest.raises(WireError):
        flash._writer().write(reg.KEYR1, 0xBAD)
    flash.unlock()
    assert flash.resends > 0, "a wrong key is a disturbed one"
    flash.program(FLASH, NEW, ALL_SECTORS, erased=True)
    assert bench.chip.flash.snapshot()[: len(NEW)] == NEW


def test_keys_that_are_never_taken_are_reported_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench()
    flash = bench.h7().flash
    monkeypatch.setattr(bench.chip.flash_controller.banks[0], "_lock", KeyLock((1, 2), sticks=False))
    with pytest.raises(FlashError) as caught:
        flash.unlock()
    assert caught.value.kind == "locked"
    assert "Switch the unit off and on" in caught.value.sentence()


def test_stale_error_flags_do_not_stop_the_next_operation() -> None:
    bench, flash = ready()
    bench_ap = flash._ap
    bench_ap.write32(FLASH, 0)  # a write with PG clear: PGSERR stays behind
    flash.program(FLASH, NEW, ALL_SECTORS, erased=True)
    assert bench.chip.flash.snapshot()[: len(NEW)] == NEW


def test_a_write_protected_sector_is_named() -> None:
    bench = Bench(OLD)
    values = bench.chip.options.current
    bench.chip.options.preset(values.__class__(**{**vars_of(values), "wpsn": 0xFE}))
    bench.power_cycle()
    flash = bench.h7().flash
    flash.unlock()
    with pytest.raises(FlashError) as caught:
        flash.erase(0, ALL_SECTORS)
    assert caught.value.kind == "write_protected"
    assert caught.value.address == FLASH
    flash.erase(1, ALL_SECTORS)


def test_a_read_protected_chip_says_so_instead_of_giving_blank_flash() -> None:
    bench = Bench(OLD)
    values = bench.chip.options.current
    bench.chip.options.preset(values.__class__(**{**vars_of(values), "optsr": values.optsr & ~0xFF00 | 0x5500}))
    bench.power_cycle()
    h7 = bench.h7()
    assert h7.options.read()["rdp"] == 1
    with pytest.raises(FlashError) as caught:
        h7.flash.read(FLASH, bytearray(4096))
    assert caught.value.kind == "read_protected"


def vars_of(values: Any) -> dict[str, Any]:
    return {name: getattr(values, name) for name in values.__dataclass_fields__}


@pytest.mark.parametrize("faults", [True, False])
def test_torn_words_are_listed_and_the_rest_is_saved(faults: bool) -> None:
    bench, flash = ready(OLD, ChipConfig(torn_word_faults=faults))
    torn = [FLASH + 0x40, FLASH + 0x60, FLASH + 0x3E0, FLASH + 0x400, FLASH + 0x1FE0]
    for address in torn:
        bench.chip.flash.tear(address)
    buf = bytearray(0x2000)
    assert flash.read(FLASH, buf) == torn
    expected = bytearray(OLD[:0x2000])
    for address in torn:
        expected[address - FLASH : address - FLASH + 32] = b"\xff" * 32
    assert buf == expected
    assert flash.read(FLASH + 0x44, bytearray(4)) == [FLASH + 0x40]
    assert flash._writer()._read(reg.SR1) & reg.SR_DBECCERR == 0


@pytest.mark.parametrize("faults", [False, True])
def test_torn_words_read_without_a_look_are_told_behind_them(faults: bool) -> None:
    bench, flash = ready(OLD, ChipConfig(torn_word_faults=faults))
    buf = bytearray(2048)
    assert flash.read(FLASH, buf, False) == []
    assert flash.is_sound(FLASH)
    bench.chip.flash.tear(FLASH + 0x1040)
    found = [word for at in range(0, 0x2000, 2048) for word in flash.read(FLASH + at, buf, False)]
    assert found == ([FLASH + 0x1040] if faults else [])  # a bus error is seen at once
    assert flash.is_sound(FLASH) is faults
    found = [word for at in range(0, 0x2000, 2048) for word in flash.read(FLASH + at, buf)]
    assert found == [FLASH + 0x1040]
    assert flash.is_sound(FLASH)


def test_a_torn_word_is_not_blank_and_a_torn_vector_table_not_valid() -> None:
    bench, flash = ready()
    assert flash.is_blank(FLASH, 4096)
    bench.chip.flash.tear(FLASH)
    assert not flash.is_blank(FLASH, 4096)
    assert flash.vectors(FLASH) == {"sp": None, "pc": None, "valid": False}


@pytest.mark.parametrize(
    ("sp", "pc", "valid"),
    [
        (0x20020000, FLASH + 0x201, True),
        (0x24050000, FLASH + 0xFFFFF, True),
        (0x20020002, FLASH + 0x201, False),  # not word-aligned
        (0x20020004, FLASH + 0x201, False),  # outside RAM
        (0x20020000, FLASH + 0x200, False),  # not Thumb
        (0x20020000, 0x1FF09801, False),  # not in flash
        (0xFFFFFFFF, 0xFFFFFFFF, False),
    ],
)
def test_vectors_are_judged(sp: int, pc: int, valid: bool) -> None:
    _, flash = ready(sp.to_bytes(4, "little") + pc.to_bytes(4, "little") + bytes(24))
    assert flash.vectors(FLASH) == {"sp": sp, "pc": pc, "valid": valid}


def test_a_cut_erase_leaves_a_sector_that_can_be_read_and_erased_again() -> None:
    bench, flash = ready(OLD)
    flash._writer().control(reg.CR_SER)
    flash._writer().control(reg.CR_SER | flash._chip.control[1])
    bench.clock.advance(400_000_000)
    bench.power_cycle()
    flash = bench.h7().flash
    buf = bytearray(1024)
    torn = [word for start in range(0, SECTOR, 1024) for word in flash.read(FLASH + start, buf)]
    assert torn
    assert all(bench.chip.flash.is_torn(address) for address in torn)
    flash.unlock()
    flash.erase(0, ALL_SECTORS)
    assert flash.is_blank(FLASH, SECTOR)


@pytest.mark.parametrize("spoiled", range(1, 95))
def test_noise_while_programming_repeats_a_flash_word_or_stops_but_never_lies(spoiled: int) -> None:
    bench, flash = ready()
    calls = 0

    def spoil(direction: str, value: int, count: int) -> int:
        nonlocal calls
        calls += 1
        return value ^ 1 << count // 2 if calls == spoiled else value

    bench.bits.spoil = spoil
    flash.program(FLASH, NEW[:256], ALL_SECTORS, erased=True)
    assert bench.chip.flash.snapshot()[:256] == NEW[:256]
