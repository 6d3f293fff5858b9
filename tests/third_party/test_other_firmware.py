"""Firmware of others on the twin, built by their own procedures: docs/other-firmware.md says how.

The variables hold the options of `bmsrescue twin run`: "--firmware FILE --chip H723 --crystal 8".
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

COMMAND = Path(sys.executable).parent / "bmsrescue"
LIMIT_S = 900


def run_on_twin(variable: str, *options: str) -> dict[str, Any]:
    """What `twin run --json` says of the firmware that the variable names."""
    asked = os.environ.get(variable)
    if not asked:
        pytest.skip(f"{variable} names no firmware (docs/other-firmware.md)")
    command = [str(COMMAND), "twin", "run", *shlex.split(asked), *options, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S - 10, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


@pytest.mark.timeout(LIMIT_S)
def test_micropython_comes_to_its_prompt_and_answers() -> None:
    """The first start makes a file system, sector by sector: eleven seconds of the chip's time."""
    told = run_on_twin("BMSRESCUE_H7_MICROPYTHON", "--for", "16", "--type", r"USART3:1+1\r")
    said = told["uart"]["USART3"]
    assert re.match(r"MicroPython v\d+\.\d+.* with STM32H7", said)
    assert said.endswith(">>> 1+1\r\n2\r\n>>> ")


@pytest.mark.timeout(LIMIT_S)
def test_a_blinky_toggles_its_pin() -> None:
    told = run_on_twin("BMSRESCUE_H7_BLINKY", "--for", "5")
    assert max(pin["changes"] for pin in told["pins"].values()) >= 5
