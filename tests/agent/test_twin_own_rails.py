"""A unit whose rails are not those of the default board: a job with rails of its own, from first look to proof."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from bmsrescue.card.fat import make_image, read_files
from bmsrescue.twin.board.faults import HelperTraits
from bmsrescue.twin.rig import TwinRig, card_for
from bmsrescue.twin.scenarios import find

OWN = {"bplus": "pack", "v3v3": "vdd", "vcap": "vddcore"}
PROFILE = {
    "pack": {"role": "input", "low_mv": 15_000, "high_mv": 21_000, "danger_mv": 25_000},
    "vdd": {"role": "logic", "low_mv": 3_135, "high_mv": 3_465, "danger_mv": 3_630},
    "vddcore": {"role": "core", "low_mv": 950, "high_mv": 1_400, "danger_mv": 1_450},
}
"""The board has no 12 V and no isolated 5 V that anybody could see."""


def pressed(name: str) -> tuple[TwinRig, dict[str, Any]]:
    """One press on that unit of the catalogue, whose rails the helper and the job call by the names of OWN."""
    scenario = find(name)

    def breaks(unit: Any) -> None:
        scenario.breaks(unit)
        traits: HelperTraits = unit.faults.helper
        unit.break_board(helper=replace(traits, missing_rails=frozenset({"v12", "v5iso"}), rail_labels=OWN))

    files = read_files(card_for(scenario))
    job = json.loads(files["job.json"])
    job["board"] = {"rails": PROFILE}
    card = make_image({**files, "job.json": json.dumps(job).encode()})
    rig = TwinRig(replace(scenario, breaks=breaks), card)
    record = rig.run().record
    assert record is not None
    return rig, record


def test_a_cure_is_proven_by_rails_of_the_jobs_own_names() -> None:
    _, record = pressed("half-on")
    assert record["outcome"] == "RECOVERED", record["sentence"]
    assert "the power was away" in record["proof"]["lines"][0]
    assert "vdd below" in record["proof"]["lines"][0]
    assert set(record["proof"]["rails"]) == set(PROFILE)
    assert set(record["evidence"]["rails"]["on"]) == set(PROFILE)


@pytest.mark.parametrize("unit", ["no-supply", "short-3v3", "no-vcap", "over-vcap"])
def test_a_fault_of_a_rail_is_told_by_its_role(unit: str) -> None:
    """The catalogue's own cause and outcome hold whatever a rail is called, and nothing is written on the way.

    VCAP may be named: it is the chip's pin."""
    scenario = find(unit)
    _, record = pressed(unit)
    assert record["diagnosis"]["cause"] == scenario.expected_diagnosis, record["sentence"]
    assert record["outcome"] == scenario.expected_outcome
    assert "act" not in [step["name"] for step in record["steps"]]
    told = json.dumps([record["sentence"], record["diagnosis"]])
    assert not any(name in told for name in ("3.3 V", "B+", "12 V")), told


def test_a_rail_that_the_job_does_not_speak_of_is_still_cut_off_at_its_absolute_maximum() -> None:
    """The helper has a wire to it, and knows what no core bears, whatever the job calls its own rails."""
    scenario = find("over-vcap")
    files = read_files(card_for(scenario))
    job = json.loads(files["job.json"])
    job["board"] = {"rails": {"v3v3": {"role": "logic", "low_mv": 3_135, "high_mv": 3_465, "danger_mv": 3_630}}}
    job["board"]["rails"]["VCAP"] = {"role": "other", "low_mv": 0, "high_mv": 60_000, "danger_mv": 60_000}
    record = TwinRig(scenario, make_image({**files, "job.json": json.dumps(job).encode()})).run().record
    assert record is not None
    assert record["outcome"] == "UNSAFE"
    trip = record["evidence"]["rails"]["trip"]
    assert (trip["rail"], trip["limit"]) == ("vcap", 1_500)
