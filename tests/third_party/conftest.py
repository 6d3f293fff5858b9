"""Programs that know nothing of us, and the twin served to them.

On a machine without a program its tests are skipped by name; where CI=true they fail instead, because there `.ci/run`
has to have installed it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bmsrescue.twin.board.unit import build_unit
from bmsrescue.twin.scenarios import find
from bmsrescue.twin.servers.serve import LOOPBACK, NOMINAL_SWCLK_HZ
from served_unit import ServedUnit

SHIM_SOURCE = Path(__file__).with_name("sysfs_swd_shim.c")
PROGRAM_TIMEOUT_S = 800
SWCLK_GPIO, SWDIO_GPIO, SRST_GPIO = 10, 11, 12


def need(program: str) -> str:
    """The program's path, or the test is skipped (or fails, in CI)."""
    path = shutil.which(program)
    if path is None:
        if os.environ.get("CI") == "true":
            pytest.fail(f"{program} is not installed, but CI must judge with it")
        pytest.skip(f"{program} is not installed")
    return path


def run(command: list[str], **options: object) -> subprocess.CompletedProcess[str]:
    """Run a program to its end; what it wrote is in the failure's message if it fails."""
    done: subprocess.CompletedProcess[str] = subprocess.run(  # type: ignore[call-overload]
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=PROGRAM_TIMEOUT_S, **options
    )
    assert done.returncode == 0, f"{command[0]} ended with {done.returncode}:\n{done.stdout[-4000:]}"
    return done


@pytest.fixture
def served() -> Iterator[Callable[..., ServedUnit]]:
    """Serves the unit of a scenario, each with its own ports."""
    units: list[ServedUnit] = []

    def serve(scenario: str, seed: int = 0) -> ServedUnit:
        units.append(ServedUnit(build_unit(find(scenario), seed)))
        return units[-1]

    yield serve
    for unit in units:
        unit.close()


@pytest.fixture(scope="session")
def sysfs_shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The LD_PRELOAD library that lets OpenOCD's sysfsgpio driver speak remote_bitbang."""
    library = tmp_path_factory.mktemp("shim") / "sysfs_swd_shim.so"
    run([need("cc"), "-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-o", str(library), str(SHIM_SOURCE), "-ldl"])
    return library


@pytest.fixture
def openocd(sysfs_shim: Path) -> Callable[..., str]:
    """Runs OpenOCD with its own stm32h7x target file on a served unit and returns what it printed.

    ahead: writes are taken to be acknowledged OK, and OpenOCD is ended if one was not (see sysfs_swd_shim.c).
    """
    program = need("openocd")

    def command(unit: ServedUnit, *steps: str, ahead: bool = False) -> str:
        setup = [
            "adapter driver sysfsgpio",
            f"sysfsgpio swclk_num {SWCLK_GPIO}",
            f"sysfsgpio swdio_num {SWDIO_GPIO}",
            f"sysfsgpio srst_num {SRST_GPIO}",
            "transport select swd",
            *(f"{server}_port disabled" for server in ("gdb", "tcl", "telnet")),
            "source [find target/stm32h7x.cfg]",
            "init",
        ]
        shown = [f"echo [{step}]" for step in steps]
        options = [text for step in (*setup, *shown, "shutdown") for text in ("-c", step)]
        pins = f"{SWCLK_GPIO} {SWDIO_GPIO} {SRST_GPIO}"
        environment = {
            **os.environ,
            "LD_PRELOAD": str(sysfs_shim),
            "SYSFS_SWD_SHIM": f"{LOOPBACK} {unit.ports.bitbang} {NOMINAL_SWCLK_HZ} {pins}{' ahead' * ahead}",
        }
        return run([program, *options], env=environment).stdout

    return command
