"""Whole cures by the engine on this host, over probes that pyOCD's own drivers drive on their own USB layer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bmsrescue.twin.rig import TwinRig, card_for
from bmsrescue.twin.scenarios import find
from probe_bench import probe_bench

UNIT = "half-on"
CHIP_SAYS = ("chip", "options", "sectors", "vectors", "supply", "reset_cause")
"""Evidence that comes from the chip alone, so that it is the same whoever asks."""


@pytest.fixture(scope="module")
def dongle() -> dict[str, Any]:
    """The record of a dongle's run on the same unit."""
    scenario = find(UNIT)
    record = TwinRig(scenario, card_for(scenario)).run().record
    assert record is not None
    return record


@pytest.mark.parametrize(
    ("kind", "switched", "outcome", "hz"),
    [("stlink", True, "RECOVERED", 4_600_000), ("cmsisdap", True, "VERIFIED_UNPROVEN", 10_000_000)],
)
def test_a_probe_cures_a_unit_and_says_what_the_dongle_says(
    kind: str, switched: bool, outcome: str, hz: int, tmp_path: Path, dongle: dict[str, Any]
) -> None:
    """Proven is only what was seen: a probe without VTref sees no rail fall, whoever switches.

    A job that names no clock gets what the probe has, up to 10 MHz."""
    with probe_bench(UNIT, kind, tmp_path, switched=switched) as bench:
        began_ns = bench.unit.clock.now_ns
        record = bench.session.run("job.run")
        seconds = (bench.unit.clock.now_ns - began_ns) / 1e9
    assert record["diagnosis"]["cause"] == dongle["diagnosis"]["cause"]
    for group in CHIP_SAYS:
        assert record["evidence"][group] == json.loads(json.dumps(dongle["evidence"][group])), group
    assert record["outcome"] == outcome
    assert record["evidence"]["swd"]["hz"] == hz
    proven = any(line.startswith("the power was away") for line in record["proof"]["lines"])
    assert proven is (outcome == "RECOVERED")
    bench.unit.set_power(False)
    bench.unit.clock.advance(5_000_000_000)
    frames = bench.unit.display.frames
    bench.unit.set_power(True)
    bench.unit.clock.advance(2_000_000_000)
    assert bench.unit.display.frames > frames  # it starts by itself, with nobody at its debug port
    print(f"{kind}: {bench.probe.commands:,} commands of the probe, {seconds:.1f} s of virtual time")
