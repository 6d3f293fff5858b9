"""pyOCD's own command line on a helper that a running daemon owns: nobody else has to let go of the port for it."""

from __future__ import annotations

import os
import random
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pyocd.core.helpers import ConnectHelper
from pyocd.core.session import Session

import bmsrescue.twin.firmware as firmware
from bmsrescue.client.daemon_client import DaemonSession, running_daemon
from daemon_process import daemon, wait_until
from link_twin import PATIENCE_S, WatchedTwin, helper_on
from openocd_judge import run_program
from rescuelink.errors import LinkError
from third_party.conftest import need

PYOCD = str(Path(sys.executable).parent / "pyocd")
ELF = Path(firmware.__file__).with_name(f"bms-{firmware.VERSION}.elf")
FLASH, SPARE = 0x08000000, 0xA0000  # from there on a healthy unit has nothing
READ_BYTES = 64 * 1024
TARGET = ("-t", "stm32h723xx", "-f", "4m")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def twin(folder: Path) -> Iterator[WatchedTwin]:
    """A helper on a healthy unit, owned by a daemon."""
    with helper_on("healthy") as twin, daemon(twin.url, folder):
        wait_until(lambda: bool(status(folder)) and status(folder)["state"] == "ready")
        yield twin


def status(folder: Path) -> dict[str, Any]:
    client = running_daemon(folder)
    assert client is not None
    found = client.helpers()
    client.close()
    return found[0] if found else {}


@pytest.fixture
def pyocd(twin: WatchedTwin, folder: Path) -> Callable[..., str]:
    """pyOCD with the daemon's data folder; what it printed."""

    def run(*words: str) -> str:
        environment = {**os.environ, **variables(folder)}
        return subprocess.run(
            [PYOCD, *words], env=environment, capture_output=True, text=True, timeout=PATIENCE_S, check=True
        ).stdout

    return run


def variables(folder: Path) -> dict[str, str]:
    return {"BMSRESCUE_DATA": str(folder), "BMSRESCUE_CONFIG": str(folder / "none.toml")}


def test_the_daemons_helper_is_in_pyocds_list_by_its_name(pyocd: Callable[..., str], folder: Path) -> None:
    assert re.search(rf"bmsrescue \w+ +{status(folder)['name']} ", pyocd("list", "--color=never"))


def test_commander_reads_and_the_unit_is_off_again_afterwards(
    pyocd: Callable[..., str], twin: WatchedTwin, folder: Path
) -> None:
    said = pyocd("commander", "-u", status(folder)["name"], *TARGET, "-M", "under-reset", "-c", "read32 0x5c001000")
    assert re.search(r"5c001000: +1001[0-9]483", said)
    assert not twin.powered
    assert status(folder)["held_by"] is None


def test_flash_writes_a_sector(pyocd: Callable[..., str], twin: WatchedTwin, folder: Path, tmp_path: Path) -> None:
    data = random.Random(3).randbytes(8 * 1024)
    (tmp_path / "part.bin").write_bytes(data)
    address = FLASH + SPARE
    words = (str(tmp_path / "part.bin"), "--base-address", hex(address))
    pyocd("flash", "-u", f"bmsrescue:{twin.url}", *TARGET, *words)
    assert twin.unit.chip.flash.snapshot()[SPARE : SPARE + len(data)] == data


def test_gdb_through_pyocds_server_stops_at_main_while_others_are_told_busy(
    twin: WatchedTwin, folder: Path, tmp_path: Path
) -> None:
    gdb = need("gdb-multiarch")
    port = free_port()
    with gdbserver(folder, port, tmp_path / "server.log") as server:
        wait_until(lambda: "GDB server listening" in (tmp_path / "server.log").read_text() or server.poll() is not None)
        with other_client(folder) as other, pytest.raises(LinkError) as refused:
            other.call("power.off")
        lines = (f"target remote 127.0.0.1:{port}", "monitor reset halt", "break main", "continue", "detach")
        options = [text for line in lines for text in ("-ex", line)]
        said = run_program([gdb, "-nx", "-batch", str(ELF), *options]).stdout
        server.wait(PATIENCE_S)  # it ends with gdb
    assert refused.value.kind == "busy"
    assert re.search(r"Breakpoint 1, .*main", said)
    assert server.returncode == 0
    assert "HTTP" not in (tmp_path / "server.log").read_text()
    assert not twin.powered


@contextmanager
def gdbserver(folder: Path, port: int, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    command = [PYOCD, "gdbserver", "-u", status(folder)["name"], *TARGET, "-p", str(port), "-T", "0"]
    with log.open("wb") as said:
        server = subprocess.Popen(command, env={**os.environ, **variables(folder)}, stdout=said, stderr=said)
        try:
            yield server
        finally:
            server.kill()
            server.wait()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def other_client(folder: Path) -> DaemonSession:
    client = running_daemon(folder)
    assert client is not None
    return DaemonSession(client, status(folder)["name"])


def test_a_block_read_takes_a_frame_per_kib_here_too(
    twin: WatchedTwin, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables(folder).items():
        monkeypatch.setenv(name, value)
    session: Session = ConnectHelper.session_with_chosen_probe(
        unique_id=status(folder)["name"],
        target_override="stm32h723xx",
        connect_mode="halt",
        blocking=False,
        return_first=True,
        options={"frequency": 4_000_000},
    )
    with session:
        wire = session.probe.link.wire
        before = wire.frames
        words = session.target.read_memory_block32(FLASH, READ_BYTES // 4)
        frames = wire.frames - before
    assert b"".join(word.to_bytes(4, "little") for word in words) == twin.unit.chip.flash.snapshot()[:READ_BYTES]
    assert frames <= READ_BYTES // 1024


def test_a_killed_debugger_keeps_the_helper_for_seconds_only(twin: WatchedTwin, folder: Path, tmp_path: Path) -> None:
    with gdbserver(folder, free_port(), tmp_path / "server.log"):
        wait_until(lambda: status(folder)["held_by"] is not None)
    wait_until(lambda: status(folder)["held_by"] is None)
    with other_client(folder) as session:
        session.call("power.off", timeout_s=PATIENCE_S)
    assert not twin.powered
