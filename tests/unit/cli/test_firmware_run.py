"""`bmsrescue twin run --firmware`: anybody's firmware on a bare chip, told to a person and as JSON."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from bmsrescue.cli.twin.firmware_run import FirmwareRequest
from bmsrescue.cli.twin.firmware_run import run_firmware as run_it
from bmsrescue.errors import UsageError
from unit.cli.test_command_line import bmsrescue

IMAGES = Path(__file__).resolve().parents[2] / "images" / "start_up"
BARE = IMAGES / "bare.bin"
# Vectors, then: ldr r0, [pc, #4]; ldr r0, [r0]; b .; nop; the address.
READER = bytes.fromhex("00000220 09000008 01480068 fee700bf".replace(" ", ""))


def run_firmware(file: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return bmsrescue("twin", "run", "--firmware", file, *options)


def reading(tmp_path: Path, address: int) -> Path:
    """Firmware that reads a word there and stands still; its handlers are not there."""
    file = tmp_path / "reader.bin"
    file.write_bytes(READER + address.to_bytes(4, "little") + b"\xff" * 12)
    return file


def test_what_it_sends_and_what_its_pins_do_is_shown() -> None:
    done = run_firmware(BARE, "--for", "0.1", "--type", r"USART3:x")
    assert done.returncode == 0
    assert done.stdout.startswith("[USART3]\nbare: main\n")
    assert "state     running" in done.stdout
    assert "core at 64 MHz" in done.stdout
    assert "PB0 " in done.stdout


def test_the_same_as_json() -> None:
    done = run_firmware(
        IMAGES / "libopencm3.bin", "--chip", "STM32H743", "--for", "0.35", "--type", r"usart3:ok\r\n", "--json"
    )
    told = json.loads(done.stdout)
    assert (told["state"], told["chip"], told["core_hz"]) == ("running", "H743", 240_000_000)
    assert told["uart"] == {"USART3": "libopencm3: main\r\nok\r\n"}
    assert told["pins"]["PB0"]["changes"] == 4
    assert told["faults"] == {}


def test_a_read_of_a_reserved_address_ends_in_a_fault_that_names_it(tmp_path: Path) -> None:
    done = run_firmware(reading(tmp_path, 0x58004400), "--base", "0x08000000", "--for", "0.01")
    assert done.returncode == 1
    assert "lock-up" in done.stdout
    assert "A bus error at 0x58004400: nothing answers there on an STM32H725" in " ".join(done.stderr.split())
    assert run_firmware(reading(tmp_path, 0x58004400), "--chip", "H7A3", "--base", "0x08000000").returncode == 0


def test_a_supply_that_the_board_has_not_is_named() -> None:
    done = run_firmware(IMAGES / "cmsis.bin", "--supply", "smps", "--for", "0.05")
    assert done.returncode == 1
    assert "another core supply" in done.stderr


def refusal(file: Path, **options: object) -> str:
    """What is wrong with the command, in words."""
    plain = FirmwareRequest(file, None, None, 0.01, [], 25.0, "ldo", 0, False)
    with pytest.raises(UsageError) as refused:
        run_it(replace(plain, **options))  # type: ignore[arg-type]
    return f"{refused.value.message}. {refused.value.next_step}"


def test_options_that_cannot_be_are_refused_with_what_can() -> None:
    assert "cannot be H999" in refusal(BARE, chip="H999")
    assert "H743" in refusal(BARE, chip="H999")
    assert "One of ldo, smps" in refusal(BARE, supply="battery")
    assert "Write it as PORT:TEXT" in refusal(BARE, typed=["hello"])
    assert "UART8" in refusal(BARE, typed=["UART9:x"], chip="H743")


def test_it_goes_with_no_unit_and_no_helper() -> None:
    done = run_firmware(BARE, "--scenario", "healthy")
    assert done.returncode == 2
    assert "--firmware and --scenario exclude each other" in done.stderr


def test_firmware_that_is_too_large_for_the_part_is_refused(tmp_path: Path) -> None:
    large = tmp_path / "large.bin"
    large.write_bytes(BARE.read_bytes().ljust(0x30000, b"\x5a"))
    assert "128 KiB of flash" in refusal(large, chip="H730", base="0x08000000")


def test_firmware_behind_a_bootloader_is_started_where_its_vectors_are(tmp_path: Path) -> None:
    # Its handlers are found by the table alone: the code does not care where it lies.
    code = bytes.fromhex("fee7")
    moved = tmp_path / "moved.bin"
    moved.write_bytes((0x20020000).to_bytes(4, "little") + (0x08020009).to_bytes(4, "little") + code.ljust(24, b"\0"))
    done = run_firmware(moved, "--base", "0x08020000", "--for", "0.01", "--json")
    assert json.loads(done.stdout)["pc"] == 0x08020008
