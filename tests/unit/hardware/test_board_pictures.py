"""The schematics have every part of their stage with its value; the modules' wiring has every wire of the netlist."""

from __future__ import annotations

import os
import re
import shutil

import pytest
from hardware import pictures, wiring
from hardware.stages import STAGES, design
from hardware.tables import new_refs

from repository import ROOT

MAKE_IT = "run: python -m hardware.make"


def words(svg: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", svg).replace("&#39;", "'").split())


@pytest.mark.parametrize("stage", STAGES)
def test_a_schematic_is_that_of_its_stage(stage: str) -> None:
    made = pictures.schematic(stage)
    assert (ROOT / f"docs/pictures/board-{stage}.svg").read_text(encoding="utf-8") == made, MAKE_IT
    shown = words(made)
    for ref in new_refs(stage):
        if ref.startswith(("J", "A1", "SW", "BZ", "D7")):
            assert ref in shown
        else:
            assert len(re.findall(rf"\b{ref}\s+{re.escape(design(stage).values[ref])}", shown)) == 1, ref


def test_every_wire_of_a_module_is_in_the_picture_of_the_modules() -> None:
    shown = words((ROOT / "docs" / "pictures" / "board-modules.svg").read_text(encoding="utf-8"))
    netlist = design("card-and-display")
    for ref in ("A2", "A3", "J1", "J2", "J3", "J4", "J5", "J6"):
        for pin, net in netlist.pins_of(ref).items():
            assert re.search(rf"perfboard:\d+:{re.escape(net)}\b", shown), (ref, pin)
    places = set(re.findall(r"perfboard:(\d+):\w", shown))
    assert len(wiring.source()["connectors"]["perfboard"]["pinlabels"]) == len(places)


@pytest.mark.skipif(shutil.which("dot") is None and not os.environ.get("CI"), reason="Graphviz is not installed")
def test_wireviz_takes_the_wiring() -> None:
    assert "<svg" in wiring.harness()
