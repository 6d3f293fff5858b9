"""Other people's programs, run to their end; OpenOCD 0.12 as Debian ships it, driving a served unit.

It drives through its sysfsgpio driver and our LD_PRELOAD shim.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from bmsrescue.twin.servers.serve import LOOPBACK, NOMINAL_SWCLK_HZ
from served_unit import ServedUnit

_SHIM_SOURCE = Path(__file__).parents[1] / "third_party" / "sysfs_swd_shim.c"
_SWCLK_GPIO, _SWDIO_GPIO, _SRST_GPIO = 10, 11, 12
_PROGRAM_TIMEOUT_S = 800


def run_program(command: list[str], **options: object) -> subprocess.CompletedProcess[str]:
    """Run a program to its end; what it wrote is in the failure's message if it fails."""
    done: subprocess.CompletedProcess[str] = subprocess.run(  # type: ignore[call-overload]
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=_PROGRAM_TIMEOUT_S, **options
    )
    assert done.returncode == 0, f"{command[0]} ended with {done.returncode}:\n{done.stdout[-4000:]}"
    return done


def build_shim(compiler: str, folder: Path) -> Path:
    """The LD_PRELOAD library that lets OpenOCD's sysfsgpio driver speak remote_bitbang."""
    library = folder / "sysfs_swd_shim.so"
    run_program(
        [compiler, "-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-o", str(library), str(_SHIM_SOURCE), "-ldl"]
    )
    return library


def run_openocd(
    program: str, shim: Path, unit: ServedUnit, *steps: str, ahead: bool = False, dual_bank: bool = False
) -> str:
    """Run OpenOCD's commands with its own stm32h7x target file on a served unit; return what it printed.

    ahead: writes are taken to be acknowledged OK, and OpenOCD is ended if one was not (see sysfs_swd_shim.c).
    dual_bank: its target file for two flash banks.
    """
    setup = [
        "adapter driver sysfsgpio",
        f"sysfsgpio swclk_num {_SWCLK_GPIO}",
        f"sysfsgpio swdio_num {_SWDIO_GPIO}",
        f"sysfsgpio srst_num {_SRST_GPIO}",
        "transport select swd",
        *(f"{server}_port disabled" for server in ("gdb", "tcl", "telnet")),
        f"source [find target/stm32h7x{'_dual_bank' * dual_bank}.cfg]",
        "init",
    ]
    shown = [f"echo [{step}]" for step in steps]
    options = [text for step in (*setup, *shown, "shutdown") for text in ("-c", step)]
    pins = f"{_SWCLK_GPIO} {_SWDIO_GPIO} {_SRST_GPIO}"
    environment = {
        **os.environ,
        "LD_PRELOAD": str(shim),
        "SYSFS_SWD_SHIM": f"{LOOPBACK} {unit.ports.bitbang} {NOMINAL_SWCLK_HZ} {pins}{' ahead' * ahead}",
    }
    return run_program([program, *options], env=environment).stdout
