"""Programming by the target's own core from a ring in its RAM: as fast as the flash, no flash word torn by the wire."""

import random
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from low_chip import ALL_SECTORS, FLASH, SECTOR, Bench

from bmsrescue.agent.files import device_dir
from bmsrescue.twin.chip.bus import BusError, BusWait
from bmsrescue.twin.chip.config import ChipConfig
from bmsrescue.twin.chip.flash.timing import FlashTimer
from rescue.chips.stm32h7 import flash_loader_code, flash_write
from rescuelink.errors import FlashError, WireError

CHUNK = 2048
IMAGE = random.Random(7).randbytes(SECTOR)
OLD = random.Random(8).randbytes(SECTOR)
TYPICAL = ChipConfig(flash_time_spread=0.0)
WORD_US = 100
ERASE_MS = 1000
DTCM_END = 0x20020000
PART = IMAGE[: SECTOR // 4]


def ready(image: bytes = b"", config: ChipConfig = TYPICAL, hz: int = 4_000_000) -> tuple[Bench, Any]:
    bench = Bench(image, config, hz)
    flash = bench.h7().flash
    flash.unlock()
    return bench, flash


def stream_in(flash: Any, data: bytes, address: int = FLASH) -> None:
    stream = flash.stream(address, len(data), ALL_SECTORS)
    for at in range(0, len(data), CHUNK):
        stream.put(memoryview(data)[at : at + CHUNK])
    stream.finish()


def in_flash(bench: Bench, length: int = SECTOR) -> bytes:
    return bench.chip.flash.snapshot()[:length]


class Ram:
    """What happens to the debugger's writes into the target's RAM, one by one: `trouble(n)` may raise instead."""

    def __init__(self, bench: Bench, monkeypatch: pytest.MonkeyPatch, trouble: Any) -> None:
        self.writes = 0
        memory = bench.chip.bus.device_at(0x20000000)
        write = memory.write

        def write_or_not(address: int, size: int, value: int) -> None:
            self.writes += 1
            trouble(self.writes)
            write(address, size, value)

        monkeypatch.setattr(type(memory), "write", lambda _self, *args: write_or_not(*args))


# --- speed -


def test_a_sector_takes_the_flashs_own_time_at_10_mhz() -> None:
    bench, flash = ready(hz=10_000_000)
    start = bench.clock.now_ns
    stream_in(flash, IMAGE)
    own_ns = SECTOR // 32 * WORD_US * 1000
    assert bench.clock.now_ns - start < own_ns * 1.03
    assert in_flash(bench) == IMAGE
    assert not bench.chip.counters.violations


def test_an_erase_hides_the_wire_even_at_2_mhz() -> None:
    bench, flash = ready(OLD, hz=2_000_000)
    start = bench.clock.now_ns
    flash.start_erase(0, ALL_SECTORS)
    stream_in(flash, IMAGE)
    own_ns = ERASE_MS * 1_000_000 + SECTOR // 32 * WORD_US * 1000
    assert bench.clock.now_ns - start < own_ns * 1.03
    assert in_flash(bench) == IMAGE


@pytest.mark.parametrize("hz", [4_000_000, 10_000_000])
def test_the_wire_carries_hardly_more_than_the_data(hz: int) -> None:
    bench, flash = ready(hz=hz)
    before = bench.bits.cycles
    stream_in(flash, IMAGE)
    assert (bench.bits.cycles - before) / SECTOR < 11.75


def test_slow_flash_is_not_polled_to_death() -> None:
    bench, flash = ready(OLD, ChipConfig(flash_time_spread=1.0), hz=10_000_000)
    before = bench.bits.cycles
    flash.start_erase(0, ALL_SECTORS)
    stream_in(flash, IMAGE)
    assert in_flash(bench) == IMAGE
    assert (bench.bits.cycles - before) / SECTOR < 11.9


def test_blank_parts_are_not_sent() -> None:
    bench, flash = ready()
    data = b"\xff" * 8192 + IMAGE[:CHUNK] + b"\xff" * 16384 + IMAGE[:4096] + b"\xff" * 65536
    before = bench.bits.cycles
    stream_in(flash, data)
    assert in_flash(bench, len(data)) == data
    assert bench.bits.cycles - before < 6144 * 11.7 + 12_000


@pytest.mark.parametrize("length", [32, 64, 992, CHUNK + 32])
def test_any_number_of_flash_words(length: int) -> None:
    bench, flash = ready()
    stream_in(flash, IMAGE[:length])
    assert in_flash(bench, length + 32) == IMAGE[:length] + b"\xff" * 32


def test_nothing_is_programmed_before_the_erase_is_over() -> None:
    bench, flash = ready(OLD)
    flash.start_erase(0, ALL_SECTORS)
    stream = flash.stream(FLASH, SECTOR, ALL_SECTORS)
    for at in range(0, 16 * CHUNK, CHUNK):
        stream.put(memoryview(IMAGE)[at : at + CHUNK])
    assert in_flash(bench) == OLD, "the erase is under way, and what was sent waits in RAM"
    for at in range(16 * CHUNK, SECTOR, CHUNK):
        stream.put(memoryview(IMAGE)[at : at + CHUNK])
    stream.finish()
    assert in_flash(bench) == IMAGE


# --- trouble on the wire -


def test_a_wait_is_replayed_on_the_same_word(monkeypatch: pytest.MonkeyPatch) -> None:
    bench, flash = ready()

    free_at_ns = 0

    def busy_now_and_then(n: int) -> None:
        nonlocal free_at_ns
        if n % 101 == 0:
            free_at_ns = bench.clock.now_ns + 30_000
        if bench.clock.now_ns < free_at_ns:
            raise BusWait(free_at_ns)

    Ram(bench, monkeypatch, busy_now_and_then)
    stream_in(flash, PART)
    assert bench.chip.counters.waits > 100
    assert in_flash(bench, len(PART)) == PART
    assert flash.resends == 0


def test_a_refused_write_ends_the_stream_and_the_sector_can_be_written_again(monkeypatch: pytest.MonkeyPatch) -> None:
    bench, flash = ready()

    def refused_once(n: int) -> None:
        if n == 5_000:
            raise BusError(0x20000000, "refused")

    with monkeypatch.context() as patch:
        Ram(bench, patch, refused_once)
        with pytest.raises(WireError) as caught:
            stream_in(flash, PART)
    assert caught.value.kind == "fault"
    assert 0x20000000 <= (caught.value.address or 0) < DTCM_END
    flash.unlock()
    flash.erase(0, ALL_SECTORS)
    stream_in(flash, PART)
    assert in_flash(bench, len(PART)) == PART


@pytest.mark.parametrize("direction", ["in", "out"])
def test_damaged_words_are_sent_again_and_no_flash_word_is_torn(direction: str) -> None:
    bench, flash = ready()
    rng = random.Random(5)

    def noise(kind: str, value: int, count: int) -> int:
        return value ^ 1 << rng.randrange(count) if kind == direction and rng.random() < 3e-4 else value

    bench.bits.spoil = noise
    stream_in(flash, PART)
    bench.bits.spoil = lambda _direction, value, _count: value
    assert flash.resends > 0
    assert in_flash(bench, len(PART)) == PART
    assert not any(bench.chip.flash.is_torn(FLASH + at) for at in range(0, SECTOR, 32))


def test_a_wire_that_is_pulled_leaves_whole_words_and_then_blank_ones() -> None:
    bench, flash = ready()
    cut_at = bench.bits.cycles + 250_000

    def pulled(kind: str, value: int, count: int) -> int:
        if bench.bits.cycles < cut_at:
            return value
        return (1 << count) - 1 if kind == "in" else 0

    bench.bits.spoil = pulled
    with pytest.raises(WireError) as caught:
        stream_in(flash, IMAGE)
    assert caught.value.kind == "no_ack"
    bench.clock.advance(1_000_000_000)  # the core goes on with what it has
    bench.chip.core.run_to(bench.clock.now_ns)
    found = in_flash(bench)
    written = next(at for at in range(0, SECTOR, 32) if found[at : at + 32] == b"\xff" * 32)
    assert written > 8192
    assert found == IMAGE[:written] + b"\xff" * (SECTOR - written)
    assert not any(bench.chip.flash.is_torn(FLASH + at) for at in range(0, SECTOR, 32))


# --- trouble in the chip -


def test_power_lost_in_the_stream_leaves_at_most_one_torn_word_and_the_sector_can_be_written_anew() -> None:
    bench, flash = ready()
    bench.clock.at(bench.clock.now_ns + 43_456_789, lambda: bench.chip.set_vdd_mv(0))
    with pytest.raises((WireError, FlashError)):
        stream_in(flash, IMAGE)
    bench.power_cycle()
    found = in_flash(bench)
    torn = [at for at in range(0, SECTOR, 32) if bench.chip.flash.is_torn(FLASH + at)]
    assert len(torn) <= 1
    end = torn[0] if torn else found.index(b"\xff" * 32)
    assert found[:end] == IMAGE[:end]
    assert found[end + 32 :] == b"\xff" * (SECTOR - end - 32)
    flash = bench.h7().flash
    flash.unlock()
    flash.erase(0, ALL_SECTORS)
    stream_in(flash, PART)
    assert in_flash(bench, len(PART)) == PART


def test_an_error_belongs_to_the_flash_word_that_failed() -> None:
    bench, flash = ready()
    bench.clock.at(
        bench.clock.now_ns + 50_000_000,
        lambda: bench.chip.flash.worn.__setitem__(0, "program"),
    )
    with pytest.raises(FlashError) as caught:
        stream_in(flash, IMAGE)
    good = (caught.value.address or 0) - FLASH
    assert caught.value.kind == "controller"
    assert 250 * 32 < good < 600 * 32
    assert in_flash(bench, good) == IMAGE[:good]
    assert bench.chip.flash.is_torn(FLASH + good)
    assert in_flash(bench)[good + 32 :] == b"\xff" * (SECTOR - good - 32)


def test_a_write_protected_sector_is_named() -> None:
    bench = Bench(config=TYPICAL)
    bench.chip.options.preset(replace(bench.chip.options.current, wpsn=0xFE))
    flash = bench.h7().flash
    flash.unlock()
    with pytest.raises(FlashError) as caught:
        stream_in(flash, IMAGE[:CHUNK])
    assert (caught.value.kind, caught.value.address) == ("write_protected", FLASH)


def test_a_core_that_does_not_run_the_routine_is_found_out_before_flash_is_touched(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    broken = bytearray(flash_loader_code.CODE)
    broken[0x5C] ^= 1  # it stores elsewhere
    monkeypatch.setattr(flash_loader_code, "CODE", bytes(broken))
    bench, flash = ready()
    assert in_flash(bench) == b"\xff" * SECTOR
    stream_in(flash, IMAGE[:8192])  # word by word
    assert in_flash(bench, 8192) == IMAGE[:8192]
    assert not bench.chip.counters.violations


def test_word_by_word_gives_the_same_flash() -> None:
    bench, flash = ready(OLD)
    flash.by_core = False
    flash.start_erase(0, ALL_SECTORS)
    stream_in(flash, IMAGE[:8192])
    assert in_flash(bench) == IMAGE[:8192] + b"\xff" * (SECTOR - 8192)


def test_flash_as_slow_as_the_data_sheet_allows_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FlashTimer, "draw_ns", lambda _self, span_us: span_us[1] * 1000)
    bench, flash = ready(OLD)
    flash.start_erase(0, ALL_SECTORS)
    stream_in(flash, PART)
    assert in_flash(bench, len(PART)) == PART


@pytest.mark.skipif(shutil.which("arm-none-eabi-gcc") is None, reason="arm-none-eabi-gcc is not installed")
def test_the_bytes_are_the_assembled_source(tmp_path: Path) -> None:
    source = device_dir() / "rescue" / "chips" / "stm32h7" / "asm" / "flash_loader.S"
    assembled, binary = tmp_path / "loader.o", tmp_path / "loader.bin"
    subprocess.run(
        ["arm-none-eabi-gcc", "-mcpu=cortex-m7", "-mthumb", "-c", str(source), "-o", str(assembled)], check=True
    )
    subprocess.run(["arm-none-eabi-objcopy", "-O", "binary", "-j", ".text", str(assembled), str(binary)], check=True)
    assert binary.read_bytes() == flash_loader_code.CODE
    names = subprocess.run(["arm-none-eabi-nm", str(assembled)], check=True, capture_output=True, text=True).stdout
    at = {line.split()[2]: int(line.split()[0], 16) for line in names.splitlines()}
    assert (at["program"], at["command"], at["blank"]) == (0, flash_write._COMMAND, flash_write._BLANK)
