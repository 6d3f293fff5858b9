"""`bmsrescue deploy` as a person runs it: onto an empty board, and over the agent that runs there."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bmsrescue.board.config import load_board
from bmsrescue.link.client import LinkClient
from pty_board import PtyBoard

COMMAND = Path(sys.executable).parent / "bmsrescue"
PORTS = Path(__file__).parent / "small_ports.py"


def deploy(board: PtyBoard, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [COMMAND, "deploy", "--port", board.url, *options], capture_output=True, text=True, timeout=200
    )


@pytest.fixture
def board(tmp_path: Path) -> Iterator[PtyBoard]:
    """A board whose pins are a module of its owner's, which a deployment must leave alone."""
    (tmp_path / "flash").mkdir()
    shutil.copyfile(PORTS, tmp_path / "flash/small_ports.py")
    config = load_board("pico") | {"ports": "small_ports", "helper": "bench-2"}
    (tmp_path / "mine.json").write_text(json.dumps(config), encoding="utf-8")
    with PtyBoard(tmp_path / "flash") as board:
        yield board


def without_the_log(board: PtyBoard) -> dict[str, bytes]:
    """What is on its flash but for what the agent itself writes there of every session."""
    return {path: data for path, data in board.files().items() if not path.startswith("link-log")}


def test_an_agent_is_brought_greeted_updated_and_asked_to_leave_first(board: PtyBoard, tmp_path: Path) -> None:
    first = deploy(board, "--board", str(tmp_path / "mine.json"))
    assert first.returncode == 0, first.stderr
    assert "bench-2 runs agent" in first.stdout
    assert (board.flash / "small_ports.py").read_bytes() == PORTS.read_bytes()

    (board.flash / "rescuelink/limits.mpy").write_bytes(b"an older release")
    (board.flash / "rescue/front/app.py").write_text("raise SystemExit\n")
    again = deploy(board, "--json")
    assert again.returncode == 0, again.stderr
    result = json.loads(again.stdout)
    changed = {path: action for path, action, _size in result["changes"] if action != "unchanged"}
    assert changed == {"rescue/front/app.py": "remove", "rescuelink/limits.mpy": "update"}
    assert result["agent"]["helper"] == "bench-2"

    with LinkClient(board.url) as link:
        assert link.hello("somebody else")["helper"] == "bench-2"
        refused = deploy(board, "--dry-run")
    assert refused.returncode == 3
    assert "error: " in refused.stderr

    before = without_the_log(board)
    looked = deploy(board, "--dry-run")
    assert looked.returncode == 0, looked.stderr
    assert "0 files to bring" in looked.stdout
    assert without_the_log(board) == before
