"""package.json brings the agent by `mpremote mip install`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from bmsrescue.deploy import mip_package
from bmsrescue.deploy.release import source_files
from bmsrescue.deploy.repl import Repl
from pty_board import PtyBoard

ROOT = Path(__file__).resolve().parents[3]
PACKAGE = ROOT / "package.json"
MPREMOTE = Path(sys.executable).parent / "mpremote"


def test_package_json_names_every_file_of_the_agent() -> None:
    assert PACKAGE.read_text(encoding="utf-8") == mip_package.render(ROOT), (
        "run: python -m bmsrescue.deploy.mip_package package.json"
    )


def test_package_json_leaves_the_helpers_own_board_json_alone() -> None:
    assert "board.json" not in dict(json.loads(PACKAGE.read_text(encoding="utf-8"))["urls"])


def test_mpremote_installs_the_package_and_micropython_imports_it(tmp_path: Path) -> None:
    with PtyBoard(tmp_path) as board:
        subprocess.run(
            [MPREMOTE, "connect", board.url, "resume", "mip", "install", "--target", ".", str(PACKAGE)],
            check=True,
            capture_output=True,
            timeout=200,
        )
        with Repl(board.url) as prompt:
            assert prompt.run("import rescuelink.rpc\nprint(rescuelink.rpc.PROTOCOL_VERSION)").strip().isdigit()
        installed = board.files()
    assert installed == {place: path.read_bytes() for place, path in source_files().items()}
