"""KiCad makes a board of each stage's netlist: its library has every footprint, with every pad that a net names.

KiCad itself reads a netlist in its window only; kinparse reads the file here, and KiCad's own Python module the rest.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import kinparse
import pytest
from hardware.stages import STAGES

ROOT = Path(__file__).parents[2]
PYTHON, MODULE = Path("/usr/bin/python3"), Path("/usr/lib/python3/dist-packages/pcbnew.py")
LIBRARY = Path("/usr/share/kicad/footprints")
NEW = {"A1": "Module:RaspberryPi_Pico_Common_THT"}
"""In KiCad's library since version 8 (kicad-footprints, Module.pretty); Debian 12 has version 6."""


@pytest.fixture(scope="module")
def kicad() -> None:
    if MODULE.exists() and LIBRARY.exists():
        return
    if os.environ.get("CI") == "true":
        pytest.fail("KiCad is not installed, but CI must judge with it")
    pytest.skip("KiCad is not installed (Debian: kicad, kicad-footprints)")


@pytest.mark.usefixtures("kicad")
@pytest.mark.parametrize("stage", STAGES)
def test_kicad_makes_a_board_of_it(stage: str, tmp_path: Path) -> None:
    netlist = kinparse.parse_netlist((ROOT / "hardware" / "out" / f"{stage}.net").read_text(encoding="utf-8"))
    parts = {part.ref: part.footprint for part in netlist.parts}
    nets = {net.name: [[pin.ref, pin.num] for pin in net.pins] for net in netlist.nets}
    asked = {"parts": parts, "nets": nets, "board": str(tmp_path / "board.kicad_pcb"), "library": str(LIBRARY)}
    said = made_by_kicad(asked)
    assert said["unknown"] in ({}, NEW)
    wanted = {name: [pin for pin in pins if pin[0] not in said["unknown"]] for name, pins in nets.items()}
    assert {name: sorted(pins) for name, pins in said["nets"].items()} == {
        name: sorted(pins) for name, pins in wanted.items() if pins
    }


def made_by_kicad(asked: dict[str, Any]) -> dict[str, Any]:
    script = Path(__file__).with_name("kicad_board.py")
    done = subprocess.run(
        [PYTHON, script], input=json.dumps(asked), capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return said
