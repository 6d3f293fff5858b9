"""Firmware as others write it: three start-up styles (tests/images/start_up), each from reset to a blinking pin."""

from __future__ import annotations

import shutil
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest
from chip_bench import ChipBench

from bmsrescue.twin.chip.config import ChipConfig

IMAGES = Path(__file__).resolve().parents[2] / "images" / "start_up"
STYLES = {"cmsis": 400_000_000, "libopencm3": 240_000_000, "bare": 64_000_000}
"""The core clock that each starts."""
TICKING = ("cmsis", "libopencm3")
LED = "PB0"


class Started:
    """A chip with the image of a style, powered for a quarter of a second, and what came of it."""

    def __init__(self, style: str, part: str) -> None:
        image = (IMAGES / f"{style}.bin").read_bytes()
        self.bench = ChipBench(ChipConfig(part=part, crystal_hz=25_000_000), image=image)
        self.sent = bytearray()
        self.toggled_ns: list[int] = []
        self.bench.chip.on_uart = lambda name, data: self.sent.extend(data)
        self.bench.chip.on_pin = self._pin
        self.bench.power()
        self.bench.run_ms(249)

    def _pin(self, name: str, level: bool | None) -> None:
        if name == LED and level is not None:
            self.toggled_ns.append(self.bench.clock.now_ns)


@pytest.mark.parametrize(
    ("style", "part"),
    [*((style, part) for style in STYLES for part in ("H725", "H743")), ("bare", "H7A3"), ("bare", "H7B0")],
)
def test_an_image_of_that_style_reaches_main_greets_and_echoes(style: str, part: str) -> None:
    started = Started(style, part)
    assert started.sent == f"{style}: main\r\n".encode()
    assert started.bench.chip.core.frequency_hz == STYLES[style]
    assert len(started.toggled_ns) > 2
    started.bench.chip.send_to_uart("USART3", b"!")
    started.bench.run_ms(20)
    assert started.sent == f"{style}: main\r\n!".encode()


@pytest.mark.parametrize("style", TICKING)
def test_a_pin_that_systick_times_toggles_each_tenth_of_a_second(style: str) -> None:
    toggled_ns = Started(style, "H725").toggled_ns[1:]
    assert [later - earlier for earlier, later in pairwise(toggled_ns)] == [
        pytest.approx(100_000_000, abs=1000) for _ in range(len(toggled_ns) - 1)
    ]
    assert len(toggled_ns) == 2


def test_several_bytes_in_a_row_are_echoed_by_interrupt() -> None:
    started = Started("cmsis", "H743")
    started.bench.chip.send_to_uart("USART3", b"all of it")
    started.bench.run_ms(2)
    assert started.sent.endswith(b"\r\nall of it"), "the handler wakes a sleeping core in time for the next byte"


def test_without_its_crystal_the_style_that_wants_one_waits_for_ever() -> None:
    image = (IMAGES / "cmsis.bin").read_bytes()
    bench = ChipBench(ChipConfig(part="H743", crystal_start_ms=None), image=image)
    bench.power()
    bench.run_ms(1000)
    assert bench.edges == []
    assert bench.chip.core.frequency_hz == 64_000_000
    assert bench.chip.core.device_reads < 3000, "SysTick wakes it each millisecond"


@pytest.mark.skipif(
    shutil.which("arm-none-eabi-gcc") is None or shutil.which("make") is None,
    reason="needs make and arm-none-eabi-gcc to build the images",
)
def test_the_committed_images_are_what_their_sources_build(tmp_path: Path) -> None:
    version = subprocess.run(["arm-none-eabi-gcc", "-dumpversion"], capture_output=True, text=True, check=True)
    if version.stdout.strip() != "12.2.1":
        pytest.skip(f"arm-none-eabi-gcc {version.stdout.strip()} is not the 12.2.1 the images were built with")
    subprocess.run(["make", "-C", str(IMAGES), f"OUT={tmp_path}", "all"], check=True, capture_output=True)
    for style in STYLES:
        assert (tmp_path / f"{style}.bin").read_bytes() == (IMAGES / f"{style}.bin").read_bytes(), style
