"""What a user installs: the wheel without the tools of development, a helper at a loopback socket, and no pty."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bmsrescue.twin.firmware import image_bytes
from bmsrescue.twin.helper.serial_port import TcpPort
from fresh_install import install
from helper_command import started_helper
from link_twin import WatchedTwin
from repository import ROOT

TOOLS = ("pytest", "hypothesis", "mypy", "ruff", "selenium", "duckdb", "pyte", "hatchling", "schemathesis")
# Modules that Windows has not; libraries of others know that by themselves, and have loaded what they use.
WITHOUT = """
import sys, runpy
import serial, serial.tools.list_ports, serial.urlhandler.protocol_socket, mpremote.transport_serial, uvicorn, typer
import rich.console
_GONE = {"pty", "tty", "fcntl", "termios", "pwd", "grp", "resource", "readline", "syslog", "posix_ipc"}
for name in _GONE:
    sys.modules.pop(name, None)
class Gone:
    def find_spec(self, name, path=None, target=None):
        if name in _GONE:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Gone())
from bmsrescue.cli import main
main()
"""


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install(tmp_path_factory.mktemp("user"))


@pytest.fixture(scope="module")
def twin() -> Iterator[WatchedTwin]:
    with TcpPort() as port, started_helper("half-on", port=port) as started:
        yield started


def typed(programs: Path, place: Path, *words: object, bare: bool = False) -> subprocess.CompletedProcess[str]:
    """The user's own command, with nothing of ours in the environment. `bare`: on a system without those modules."""
    command = [programs / "python", "-c", WITHOUT] if bare else [programs / "bmsrescue"]
    kept = {name: os.environ[name] for name in ("HOME",) if name in os.environ}
    return subprocess.run(
        [*command, *map(str, words)],
        capture_output=True,
        text=True,
        cwd=place,
        env={**kept, "PATH": f"{programs}:/usr/bin:/bin", "BMSRESCUE_DATA": str(place / "data")},
        timeout=300,
    )


def test_no_tool_of_development_comes_with_the_wheel(programs: Path, tmp_path: Path) -> None:
    asked = f"import importlib.util as u, json; print(json.dumps([n for n in {TOOLS} if u.find_spec(n)]))"
    found = subprocess.run([programs / "python", "-c", asked], capture_output=True, text=True, cwd=tmp_path)
    assert json.loads(found.stdout) == []


def test_the_wheel_is_the_same_bytes_whenever_it_is_built(programs: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=240)
    (first,), (again,) = (programs.parent.parent / "dist").glob("*.whl"), tmp_path.glob("*.whl")
    assert first.read_bytes() == again.read_bytes()


def test_the_installed_command_diagnoses_a_unit_of_the_twin(programs: Path, twin: WatchedTwin, tmp_path: Path) -> None:
    said = typed(programs, tmp_path, "diagnose", "--helper", twin.url, "--json")
    assert said.returncode == 0, said.stderr
    assert json.loads(said.stdout)["diagnosis"]["cause"] == "update-cut"


def test_the_installed_twin_runs(programs: Path, tmp_path: Path) -> None:
    said = typed(programs, tmp_path, "twin", "run", "--scenario", "no-supply", "--json")
    assert json.loads(said.stdout)["diagnosis"]["cause"] == "no-supply", said.stderr


def test_what_needs_no_terminal_works_without_its_modules(programs: Path, twin: WatchedTwin, tmp_path: Path) -> None:
    (tmp_path / "image.bin").write_bytes(image_bytes("1.2.0"))
    for words in (
        ("image", "inspect", "image.bin"),
        ("card", "build", "image.bin", "-o", "card"),
        ("card", "check", "card"),
        ("rails", "--helper", twin.url),
        ("plan", "image.bin", "--helper", twin.url),
        ("card", "ls", "--helper", twin.url),
        ("deploy", "--board", "nowhere"),
    ):
        said = typed(programs, tmp_path, *words, bare=True)
        assert said.returncode == (2 if "nowhere" in words else 0), said.stdout + said.stderr
        assert "Traceback" not in said.stderr
