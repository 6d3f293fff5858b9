"""Broken units over a probe: refused words, a chip that is reached under reset only, and one that is held in reset."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bmsrescue.twin.board.unit import Unit
from bmsrescue.twin.probes.cmsis_dap import CmsisDap
from probe_bench import probe_bench


def looked_at(unit: str, kind: str, folder: Path, switched: bool = False) -> dict[str, Any]:
    with probe_bench(unit, kind, folder, switched=switched) as bench:
        found: dict[str, Any] = bench.session.run("job.until", "diagnosis")
    return found


@pytest.mark.parametrize("kind", ["stlink", "cmsisdap"])
def test_torn_words_are_found_where_the_fault_put_them(kind: str, tmp_path: Path) -> None:
    with probe_bench("interrupted-program", kind, tmp_path, switched=False) as bench:
        found = bench.session.run("job.until", "diagnosis")
        told = {address for sector in found["evidence"]["sectors"] for address in sector["torn"]}
        assert told
        assert all(bench.unit.chip.flash.is_torn(address) for address in told)
    assert found["diagnosis"]["cause"] == "interrupted-program"


@pytest.mark.parametrize("kind", ["stlink", "cmsisdap"])
def test_a_chip_that_answers_under_reset_only_is_reached(kind: str, tmp_path: Path) -> None:
    found = looked_at("swd-translator", kind, tmp_path)
    assert found["evidence"]["swd"]["how"] == "under-reset"
    assert found["diagnosis"]["cause"] == "silent-firmware"


def test_a_chip_in_reset_is_thought_of_where_the_probe_does_not_see_nrst(tmp_path: Path) -> None:
    """And the look ends: an ST-Link has a slowest clock, below which no wire gets better."""
    diagnosis = looked_at("held-in-reset", "stlink", tmp_path, switched=True)["diagnosis"]
    assert "held-in-reset" in {diagnosis["cause"], *diagnosis["alternatives"]}


def test_a_clock_that_the_job_names_is_kept(tmp_path: Path) -> None:
    with probe_bench("half-on", "cmsisdap", tmp_path, switched=False) as bench:
        path = bench.card / "job.json"
        job = json.loads(path.read_text())
        job["limits"] = {**job.get("limits", {}), "swd_hz": 2_000_000}
        path.write_text(json.dumps(job))
        assert bench.session.run("job.until", "evidence")["evidence"]["swd"]["hz"] == 2_000_000


def test_wires_that_ring_are_not_clocked_as_fast_as_the_probe_could(tmp_path: Path) -> None:
    """The twin counts a cycle twice at a rate that goes with the square of the clock: 6 in 1,000 at 10 MHz."""

    def on_long_wires(unit: Unit) -> CmsisDap:
        unit.break_board(swd_extra_clock_rate=1e-3)
        return CmsisDap(unit)

    with probe_bench("half-on", on_long_wires, tmp_path, switched=False) as bench:
        swd = bench.session.run("job.until", "evidence")["evidence"]["swd"]
    assert swd["dpidr"] is not None
    assert swd["hz"] <= 4_000_000
