"""docs/depot.md's first walk, typed as it stands there: from an empty folder to the sticker of a unit that passed."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import zxingcpp
from PIL import Image

_PAGE = Path(__file__).parents[2] / "docs" / "depot.md"
_PATIENCE_S = 300


def test_five_commands_lead_from_an_empty_folder_to_the_first_labelled_pass(tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    walk = _PAGE.read_text(encoding="utf-8").split("## A first walk")[1]
    match = re.search(r"```sh\n(.*?)```", walk, re.DOTALL)
    assert match is not None
    commands = match[1].strip().splitlines()
    assert len(commands) == 5
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    # What differs from a person's machine: the port, and where the command is.
    script = "\n".join(commands).replace("8725", str(port)).replace("--twin 1", f"--port {port} --twin 1")
    bmsrescue = f"{sys.executable} -c 'from bmsrescue.cli import main; main()'"
    script = re.sub(r"^bmsrescue", lambda _match: bmsrescue, script, flags=re.MULTILINE)
    environment = {**os.environ, "BMSRESCUE_CONFIG": str(tmp_path / "none.toml")}
    with subprocess.Popen(["bash", "-ec", script], cwd=tmp_path, env=environment, start_new_session=True) as shell:
        try:
            assert shell.wait(_PATIENCE_S) == 0, (tmp_path / "bench.log").read_text()
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(shell.pid, signal.SIGTERM)  # its own, with the daemon that it has started
    label = (tmp_path / "first.csv").read_text().split(",")[6]
    assert label
    sticker = zxingcpp.read_barcodes(Image.open(tmp_path / "sticker.png").convert("L"))
    assert [code.text for code in sticker] == [label]
