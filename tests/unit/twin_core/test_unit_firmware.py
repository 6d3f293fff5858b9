"""The unit's own firmware on the twin's chip: power, display, button, watchdog, calibration, and its build."""

from __future__ import annotations

import shutil
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest
from chip_bench import SERIAL, ChipBench, working_chip

from bmsrescue.twin import firmware
from bmsrescue.twin.chip.core import regs as r
from bmsrescue.twin.firmware.builds import BUILDS

CALIBRATION = firmware.calibration_block(SERIAL, 7)
SECTOR = 0x20000
MAPS = sorted({build.name for build in BUILDS.values() if build.name})
PREBUILT = (
    *("bms-1.1.0.bin", "bms-1.2.0.bin", "bms-1.2.0.elf"),
    *(f"bms-{name}-{version}.elf" for name in MAPS for version in ("1.1.0", "1.2.0")),
)


@pytest.fixture
def bench() -> ChipBench:
    bench = working_chip()
    bench.power()
    return bench


def test_it_holds_its_power_within_milliseconds_and_chooses_the_board_supply(bench: ChipBench) -> None:
    bench.run_ms(2)
    assert bench.chip.pin(firmware.PINS["latch"]) is True
    assert bench.peek(0x5802480C) & 0xFF == 0x02
    assert bench.chip.vcap_mv == 1210


def test_it_runs_at_its_application_clock_and_counts_that_it_is_alive(bench: ChipBench) -> None:
    bench.run_ms(100)
    assert bench.core_hz() == pytest.approx(firmware.CORE_HZ, rel=1e-3)
    assert bench.peek(firmware.MAILBOX_ADDRESS) == firmware.MAILBOX_MAGIC
    before = bench.peek(firmware.ALIVE_ADDRESS)
    bench.run_ms(1000)
    assert bench.peek(firmware.ALIVE_ADDRESS) - before == 100


@pytest.mark.parametrize("version", [firmware.PREVIOUS_VERSION, firmware.VERSION])
def test_it_sends_its_cells_through_its_calibration(version: str) -> None:
    bench = working_chip(version)
    bench.power()
    bench.run_ms(1000)
    cells = firmware.expected_cells_mv(CALIBRATION)
    assert len(bench.frames) == 1000 // firmware.FRAME_PERIOD_MS
    for frame in bench.frames:
        assert frame.cells_mv == cells
        assert frame.pack_mv == sum(cells) // 10 * 10
        assert 0 < frame.soc_percent < 100
        assert frame.status == 0


@pytest.mark.parametrize("calibration", [b"", CALIBRATION[:40] + b"\0" + CALIBRATION[41:]], ids=["blank", "damaged"])
def test_without_a_good_calibration_it_works_with_defaults_and_says_so(calibration: bytes) -> None:
    bench = ChipBench(image=firmware.image_bytes(), calibration=calibration)
    bench.power()
    bench.run_ms(200)
    assert bench.frames[-1].cells_mv == firmware.expected_cells_mv(None)
    assert bench.frames[-1].status == firmware.STATUS_DEFAULT_CALIBRATION


def test_a_long_press_lets_the_latch_fall_and_a_short_one_does_not(bench: ChipBench) -> None:
    bench.run_ms(100)
    bench.chip.set_pin(firmware.PINS["button"], False)
    bench.run_ms(firmware.LONG_PRESS_MS - 100)
    bench.chip.set_pin(firmware.PINS["button"], True)
    bench.run_ms(100)
    assert bench.chip.pin(firmware.PINS["latch"]) is True
    bench.chip.set_pin(firmware.PINS["button"], False)
    bench.run_ms(firmware.LONG_PRESS_MS + 20)
    assert bench.chip.pin(firmware.PINS["latch"]) is False
    bench.run_ms(2 * firmware.WATCHDOG_MS)
    assert bench.chip.pin(firmware.PINS["latch"]) is False, "the watchdog does not bring it back"


def test_the_press_that_woke_the_unit_does_not_switch_it_off() -> None:
    bench = working_chip()
    bench.chip.set_pin(firmware.PINS["button"], False)
    bench.power()
    bench.run_ms(2 * firmware.LONG_PRESS_MS)
    assert bench.chip.pin(firmware.PINS["latch"]) is True


def test_its_run_led_blinks_once_a_second(bench: ChipBench) -> None:
    bench.run_ms(3200)
    times = [ms for ms, name, _ in bench.edges if name == firmware.PINS["led_run"]]
    assert [late - early for early, late in pairwise(times[1:])] == [500] * 5
    assert bench.chip.pin(firmware.PINS["led_fault"]) is False


def test_a_firmware_that_stands_still_is_reset_by_the_watchdog(bench: ChipBench) -> None:
    bench.run_ms(100)
    bench.poke(0x580244D0, 1 << 16)
    bench.halt()
    bench.run_ms(firmware.WATCHDOG_MS + 50)
    assert bench.peek(0x580244D0) == 0x04420000
    bench.poke(r.DHCSR, 0xA05F0000)
    bench.run_ms(100)
    assert bench.peek(firmware.ALIVE_ADDRESS) > 0


def test_wrong_curves_light_the_fault_led(bench: ChipBench) -> None:
    image = bytearray(firmware.image_bytes())
    image[200_000] ^= 1
    bench = ChipBench(image=bytes(image), calibration=CALIBRATION)
    bench.power()
    bench.run_ms(200)
    assert bench.chip.pin(firmware.PINS["led_fault"]) is True
    assert bench.frames[-1].status == firmware.STATUS_FAULT


def test_a_torn_word_in_the_curves_ends_in_the_fault_handler_with_the_address(bench: ChipBench) -> None:
    bench = working_chip()
    bench.chip.flash.tear(firmware.IMAGE_ADDRESS + SECTOR + 0x1000)
    bench.power()
    bench.run_ms(100)
    assert bench.peek(r.BFAR) == firmware.IMAGE_ADDRESS + SECTOR + 0x1000
    assert bench.peek(r.HFSR) == r.HFSR_FORCED
    assert bench.peek(0x52002010) & 1 << 26, "the flash controller has seen the double error"
    assert not bench.frames
    assert bench.chip.pin(firmware.PINS["latch"]) is True, "half-on: powered, but nothing is shown"


def test_a_second_of_its_life_costs_few_instructions(bench: ChipBench) -> None:
    bench.run_ms(100)
    before = bench.chip.core.device_reads
    bench.run_ms(1000)
    assert bench.chip.core.device_reads - before < 10_000


def test_images_have_their_header_and_differ_in_every_sector() -> None:
    old, new = (firmware.image_bytes(version) for version in (firmware.PREVIOUS_VERSION, firmware.VERSION))
    for image, version in ((old, firmware.PREVIOUS_VERSION), (new, firmware.VERSION)):
        header = image[firmware.HEADER_OFFSET :]
        assert header[:8] == firmware.HEADER_MAGIC
        assert header[8:24].rstrip(b"\0") == version.encode()
        assert int.from_bytes(header[24:28], "little") == len(image)
    sectors = range(0, len(new), SECTOR)
    assert len(sectors) == 3
    assert all(old[start : start + SECTOR] != new[start : start + SECTOR] for start in sectors)
    assert len(new) % 32 == 0
    assert len(new) < firmware.CALIBRATION_ADDRESS - firmware.IMAGE_ADDRESS


def test_calibration_belongs_to_serial_and_seed() -> None:
    assert firmware.calibration_block("A", 1) != firmware.calibration_block("A", 2)
    assert firmware.calibration_block("A", 1) != firmware.calibration_block("B", 1)
    assert firmware.calibration_block("A", 1) == firmware.calibration_block("A", 1)
    with pytest.raises(ValueError, match="31 characters"):
        firmware.calibration_block("x" * 32, 1)


@pytest.mark.skipif(
    shutil.which("arm-none-eabi-gcc") is None or shutil.which("make") is None,
    reason="needs make and arm-none-eabi-gcc to build the unit's firmware",
)
def test_the_committed_images_are_what_the_sources_build(tmp_path: Path) -> None:
    source = firmware.elf_path().parent
    out = tmp_path / "out"
    out.mkdir()
    version = subprocess.run(["arm-none-eabi-gcc", "-dumpversion"], capture_output=True, text=True, check=True)
    if version.stdout.strip() != "12.2.1":
        pytest.skip(f"arm-none-eabi-gcc {version.stdout.strip()} is not the 12.2.1 the images were built with")
    make = ["make", "-C", str(source), f"OUT={out}", f"BUILD={tmp_path / 'build'}", "all"]
    subprocess.run(make, check=True, capture_output=True)
    for name in PREBUILT:
        assert (out / name).read_bytes() == (source / name).read_bytes(), name


def test_samples_of_its_program_counter_move_although_its_waiting_is_skipped(bench: ChipBench) -> None:
    bench.run_ms(100)
    bench.poke(r.DEMCR, r.TRCENA)
    samples = set()
    for _ in range(64):
        bench.run_ms(1)
        samples.add(bench.peek(r.DWT_PCSR))
    assert len(samples) > 2
    assert all(firmware.IMAGE_ADDRESS < pc < firmware.IMAGE_ADDRESS + 0x2000 for pc in samples)
    assert bench.core_hz() == pytest.approx(firmware.CORE_HZ, rel=1e-3)
