"""SWD bits through GPIO registers: which registers a port has, and what is written to them, on a real MicroPython.

The registers are a piece of memory here: nothing answers, so that only what was stored last can be seen.
"""

from __future__ import annotations

import ast
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from bmsrescue.agent.files import device_dir
from bmsrescue.twin.helper.process import find_interpreter

MACHINE = """
class Pin:
    def __init__(self, name, mode=None):
        self.name = name
    def gpio(self):
        return {"B": 0x40020400, "C": 0x40020800}[self.name[0]]
    def pin(self):
        return int(self.name[1:])
"""
BITS = """
import uctypes
from rescue.hal import swd_gpio
words = bytearray(128)
gpio = uctypes.addressof(words)
def word(at):
    return int.from_bytes(words[4 * at : 4 * at + 4], "little")
"""


@pytest.fixture
def micropython(tmp_path: Path) -> Any:
    (tmp_path / "machine.py").write_text(MACHINE)

    def value_of(code: str, expression: str) -> Any:
        program = f"{code}\nprint({expression})"
        environment = {**os.environ, "MICROPYPATH": f"{tmp_path}:{device_dir()}:.frozen"}
        done = subprocess.run(
            [str(find_interpreter()), "-c", program], env=environment, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        return ast.literal_eval(done.stdout)

    return value_of


@pytest.mark.parametrize(
    ("pins", "platform", "machine", "expected"),
    [
        ((16, 17), "rp2", "Raspberry Pi Pico with RP2040", (0xD0000000, (1, 5, 6, 0), 1 << 16, 1 << 17)),
        ((16, 17), "rp2", "Raspberry Pi Pico2 with RP2350", (0xD0000000, (1, 6, 8, 0), 1 << 16, 1 << 17)),
        ((12, 13), "esp32", "Generic ESP32S3 module with ESP32S3", (0x60004000, (15, 2, 3, 0), 1 << 12, 1 << 13)),
        ((12, 38), "esp32", "Generic ESP32S3 module with ESP32S3", None),
        ((12, 13), "esp32", "Generic ESP32C6 module with ESP32C6", None),
        (("B12", "B13"), "pyboard", "PYBD-SF6W with STM32F767IIK", (0x40020400, (4, 6, 6, 16), 1 << 12, 1 << 13)),
        (("B12", "C13"), "pyboard", "PYBD-SF6W with STM32F767IIK", None),
        ((12, 13), "mimxrt", "Teensy 4.1 with MIMXRT1062DVJ6A", None),
    ],
)
def test_a_port_names_its_registers(
    micropython: Any, pins: tuple[Any, Any], platform: str, machine: str, expected: Any
) -> None:
    call = f"swd_gpio.registers({pins[0]!r}, {pins[1]!r}, {platform!r}, {machine!r})"
    assert micropython("from rescue.hal import swd_gpio", call) == expected


def test_a_bit_sets_and_clears_by_registers_of_their_own(micropython: Any) -> None:
    sent = BITS + "swd_gpio._out(gpio, bytes((1, 5, 6, 0)), 1 << 6, 1 << 7, 0b01, 2, 0)"
    assert micropython(sent, "(word(5), word(6))") == (1 << 6, 1 << 6)


def test_on_an_stm32_the_upper_half_clears(micropython: Any) -> None:
    sent = BITS + "swd_gpio._out(gpio, bytes((4, 6, 6, 16)), 1 << 12, 1 << 13, 0b1, 1, 0)"
    assert micropython(sent, "word(6)") == 1 << 28


def test_samples_come_first_bit_lowest(micropython: Any) -> None:
    high = BITS + "words[5] = 0x20"  # bit 13 of the second word
    assert micropython(high, "swd_gpio._in(gpio, bytes((1, 5, 6, 0)), 1 << 12, 1 << 13, 5, 0)") == 0b11111
    assert micropython(high, "swd_gpio._in(gpio, bytes((1, 5, 6, 0)), 1 << 12, 1 << 14, 5, 0)") == 0
