"""Whoever leaves the agent for the interpreter's prompt has it for as long as he likes: no watchdog ends it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import types
from collections.abc import Iterator
from pathlib import Path

import pytest

from bmsrescue.agent.files import device_dir, make_importable
from bmsrescue.twin.helper.process import find_interpreter

PORTS = """
import sys
import machine

class Clock:
    def stop_watchdog(self):
        print("watchdog asked to stop")
        return {can_stop}

class Lines:
    def release_all(self):
        print("lines safe")

class Wire:
    def release(self):
        pass

class Ports:
    clock = Clock()
    lines = Lines()
    wire = Wire()

def open(config):
    return Ports
"""
MACHINE = """
def reset():
    print("the board resets")
    raise SystemExit
"""
APP = """
class App:
    def __init__(self, ports, config):
        pass

    def run(self):
        print("the agent runs")
        {does}
"""


class Board:
    """A board's main.py on MicroPython, with an agent that does one thing."""

    def __init__(self, folder: Path, does: str, can_stop: bool) -> None:
        self.folder = folder
        shutil.copy(device_dir() / "main.py", folder)
        (folder / "rescue" / "front").mkdir(parents=True)
        (folder / "rescue" / "engine").mkdir()
        shutil.copy(device_dir() / "rescue" / "engine" / "modules.py", folder / "rescue" / "engine")
        (folder / "rescue" / "front" / "app.py").write_text(APP.format(does=does))
        (folder / "machine.py").write_text(MACHINE)
        (folder / "fake_ports.py").write_text(PORTS.format(can_stop=can_stop))
        (folder / "board.json").write_text(json.dumps({"ports": "fake_ports"}))

    def start(self) -> list[str]:
        """Switch it on; what it prints until it resets or shows the prompt."""
        done = subprocess.run(
            [find_interpreter(), "main.py"],
            cwd=self.folder,
            env={**os.environ, "MICROPYPATH": f"{self.folder}:.frozen"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )
        return (done.stdout + done.stderr).splitlines()


LEAVES = ['return "repl"', "raise KeyboardInterrupt"]


@pytest.mark.parametrize("does", LEAVES)
def test_where_the_watchdog_can_be_stopped_the_prompt_is_there_at_once(tmp_path: Path, does: str) -> None:
    printed = Board(tmp_path, does, can_stop=True).start()
    assert printed[-2:] == ["watchdog asked to stop", "bmsrescue: left for repl"]
    assert "the board resets" not in printed


@pytest.mark.parametrize("does", LEAVES)
def test_elsewhere_the_board_starts_once_without_the_agent(tmp_path: Path, does: str) -> None:
    board = Board(tmp_path, does, can_stop=False)
    assert board.start()[-1] == "the board resets"
    assert board.start() == ["bmsrescue: started for the prompt; reset starts the agent"]
    assert "the agent runs" in board.start()


def test_a_fault_of_the_agent_leaves_the_watchdog_to_start_it_anew(tmp_path: Path) -> None:
    printed = Board(tmp_path, "raise ValueError", can_stop=True).start()
    assert "watchdog asked to stop" not in printed
    assert printed.count("lines safe") == 2


def test_a_restart_asks_for_no_prompt(tmp_path: Path) -> None:
    board = Board(tmp_path, 'return "reset"', can_stop=False)
    assert board.start()[-1] == "the board resets"
    assert "the agent runs" in board.start()


class FakeWatchdog:
    def __init__(self, timeout: int) -> None:
        pass

    def feed(self) -> None:
        pass


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Iterator[types.ModuleType]:
    make_importable()
    module = types.ModuleType("machine")
    module.WDT = FakeWatchdog  # type: ignore[attr-defined]
    module.mem32 = {}  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "machine", module)
    forget_ports()
    yield module
    forget_ports()


def forget_ports() -> None:
    import rescue.hal

    for name in ("clock", "watchdog"):
        sys.modules.pop(f"rescue.hal.{name}", None)
        vars(rescue.hal).pop(name, None)


@pytest.mark.parametrize(
    ("platform", "board", "registers"),
    [
        ("rp2", "Raspberry Pi Pico with RP2040", {0x4005B000: 1 << 30}),
        ("rp2", "Raspberry Pi Pico 2 with RP2350", {0x400DB000: 1 << 30}),
        ("esp32", "ESP32", {}),
    ],
)
def test_the_watchdog_is_stopped_by_its_register(
    machine: types.ModuleType, monkeypatch: pytest.MonkeyPatch, platform: str, board: str, registers: dict[int, int]
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(sys.implementation, "_machine", board, raising=False)
    from rescue.hal.clock import Clock

    clock = Clock(8000)
    assert clock.stop_watchdog(), "it has not been started"
    clock.feed()
    assert clock.stop_watchdog() == bool(registers)
    assert machine.mem32 == registers
