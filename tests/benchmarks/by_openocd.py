"""OpenOCD 0.12 with its stm32h7x driver and loader on the same twin. Each figure holds a session's own start, too."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from megabyte import FLASH_BYTES, Cost, Meter

from bmsrescue.twin.scenarios.scenario import Scenario, build_unit
from openocd_judge import build_shim, run_openocd
from rescuelink.targets import FLASH_BASE
from served_unit import ServedUnit


def is_installed() -> bool:
    return bool(shutil.which("openocd") and shutil.which("cc"))


class OpenOcd:
    """One unit, and one OpenOCD after the other on it; each resets and halts first."""

    def __init__(self, served: ServedUnit, folder: Path) -> None:
        self._served = served
        self._folder = folder
        self._program = shutil.which("openocd") or "openocd"
        self._shim = build_shim(shutil.which("cc") or "cc", folder)
        self._meter = Meter(served.unit)

    def program(self, image: Path) -> Cost:
        """Erase and program."""
        return self._run(f"flash write_image erase {image} {FLASH_BASE:#x} bin")

    def verify(self, image: Path) -> Cost:
        return self._run(f"verify_image {image} {FLASH_BASE:#x} bin")

    def read(self) -> Cost:
        return self._run(f"dump_image {self._folder / 'dump.bin'} {FLASH_BASE:#x} {FLASH_BYTES:#x}")

    def _run(self, command: str) -> Cost:
        self._meter.lap()
        run_openocd(self._program, self._shim, self._served, "reset halt", command, ahead=True)
        return self._meter.lap()


@contextmanager
def openocd_on(part: Scenario, folder: Path) -> Iterator[OpenOcd]:
    served = ServedUnit(build_unit(part))
    try:
        yield OpenOcd(served, folder)
    finally:
        served.close()
