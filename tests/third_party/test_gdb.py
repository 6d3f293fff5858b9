"""gdb, through pyOCD's server, loads the unit's firmware into the twin, stops at main and steps."""

from __future__ import annotations

import re
import socket
from pathlib import Path

import pytest
from pyocd.core.helpers import ConnectHelper
from pyocd.gdbserver import GDBServer

import bmsrescue.twin.firmware as firmware
from bmsrescue.pyocd_probe.links import TwinLink
from openocd_judge import run_program
from third_party.conftest import need

ELF = Path(firmware.__file__).with_name(f"bms-{firmware.VERSION}.elf")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def value_after(words: str, text: str) -> int:
    found = re.search(rf"{words} (0x[0-9a-f]+)", text)
    assert found, text
    return int(found[1], 16)


@pytest.fixture
def gdb_says() -> str:
    """What gdb prints while it does a developer's first minute on a blank unit."""
    gdb = need("gdb-multiarch")
    port = free_port()
    session = ConnectHelper.session_with_chosen_probe(
        unique_id="bmsrescue:twin:blank",
        target_override="stm32h723xx",
        connect_mode="halt",
        blocking=False,
        return_first=True,
        options={
            "frequency": 4_000_000,
            "hide_programming_progress": True,
            "gdbserver_port": port,
            "telnet_port": 0,
            "serve_local_only": True,
            "persist": False,
        },
    )
    commands = [
        "set pagination off",
        "set confirm off",
        f"target remote 127.0.0.1:{port}",
        "load",
        "monitor reset halt",
        "break main",
        "continue",
        'printf "stopped at 0x%x\\n", $pc',
        "info symbol $pc",
        "stepi",
        'printf "stepped to 0x%x\\n", $pc',
        "backtrace",
        "compare-sections .text",
        "detach",
    ]
    with session:
        assert isinstance(session.probe.link, TwinLink)
        server = GDBServer(session, core=0)
        session.gdbservers[0] = server
        server.start()
        try:
            options = [text for command in commands for text in ("-ex", command)]
            return run_program([gdb, "-nx", "-batch", str(ELF), *options]).stdout
        finally:
            server.stop()


def test_it_loads_the_firmware_stops_at_main_and_steps(gdb_says: str) -> None:
    assert re.search(r"Loading section \.text, size 0x[0-9a-f]+ lma 0x8000000", gdb_says)
    assert re.search(r"Breakpoint 1, .*main", gdb_says)
    stopped, stepped = (value_after(words, gdb_says) for words in ("stopped at", "stepped to"))
    assert "main in section .text" in gdb_says
    assert stepped - stopped in (2, 4)
    assert re.search(r"#0 .*main", gdb_says)
    assert re.search(r"Section \.text, range .*: matched", gdb_says)
