"""A card that learns: good units are read to it, none is written to, and a dead sibling is cured from what it holds."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bmsrescue.card.build import learning_job
from bmsrescue.card.check import check_card
from bmsrescue.card.fat import make_image
from bmsrescue.sibling.good import SiblingError, load_dead, load_good
from bmsrescue.sibling.job import build_job
from bmsrescue.sibling.own import map_of
from bmsrescue.twin.rig import TwinRig
from bmsrescue.twin.scenarios import find
from dongle_run import DongleRun, press_button
from helper_command import Run
from rescuelink.chain import verify_chain
from siblings import CALIBRATION, SECTOR, half_on


def learn(scenario: str, card: bytearray, seed: int) -> DongleRun:
    return press_button(TwinRig(find(scenario), card, seed=seed), card)


def blank_card() -> bytearray:
    return make_image(learning_job("learn").files)


def test_two_units_are_learned_and_a_third_is_cured_from_the_card(tmp_path: Path) -> None:
    card = blank_card()
    for seed in (1, 2):
        run = learn("healthy", card, seed)
        assert run.flash_after == run.flash_before
        assert not run.result.left_powered
        assert run.record["sentence"].startswith("Learned")
        assert "card build --from" in run.record["next_step"]
        assert run.flash_before in run.backups
        facts = json.loads(run.card[run.record["backup"]["file"].replace(".elf", ".json")])
        assert (facts["chip"]["name"], facts["options"]["boot_add0"]) == ("STM32H725", 0x0800_0000)
    assert verify_chain(run.card["records/records.jsonl"].decode().splitlines(), "") == []
    (tmp_path / "card.img").write_bytes(card)
    units = load_good(tmp_path / "card.img")
    assert len({unit.uid for unit in units}) == 2
    built, _found = build_job(map_of(units), None)
    job = json.loads(built.files["job.json"])
    assert job["options"]["boot"]["value"] == "0x1ff00800"
    scenario = replace(find("healthy"), breaks=half_on({}))
    card = make_image(built.files)
    cured = press_button(TwinRig(scenario, card, seed=3), card)
    assert cured.record["outcome"] == "RECOVERED", cured.record
    low = CALIBRATION - 0x0800_0000
    assert cured.flash_after[low : low + SECTOR] == cured.flash_before[low : low + SECTOR]


@pytest.mark.parametrize(
    ("scenario", "cause"), [("half-on", "start-erased"), ("fault-loop", "firmware-crashes"), ("rdp1", "rdp1")]
)
def test_what_is_no_good_unit_is_not_learned(tmp_path: Path, scenario: str, cause: str) -> None:
    card = blank_card()
    run = learn(scenario, card, 4)
    assert run.record["diagnosis"]["cause"] == cause
    assert run.record["backup"] is None
    assert run.flash_after == run.flash_before
    (tmp_path / "card.img").write_bytes(card)
    with pytest.raises(SiblingError, match="has no good unit's backup on it"):
        load_good(tmp_path / "card.img")


def test_a_backup_of_a_cure_is_a_dead_units_and_no_source(tmp_path: Path, bmsrescue: Run) -> None:
    from bmsrescue.twin.rig import card_for

    card = card_for(find("half-on"))
    run = press_button(TwinRig(find("half-on"), card), card)
    (tmp_path / "card.img").write_bytes(card)
    assert load_dead(tmp_path / "card.img").data == run.flash_before
    said = bmsrescue("card", "build", "--from", "card.img", "-o", "new")
    assert "has no good unit's backup on it" in said.errors
    assert not Path("new").exists()


def test_the_card_is_made_and_checked_and_says_what_it_does(bmsrescue: Run) -> None:
    said = bmsrescue("card", "build", "--learn", "-o", "card")
    assert said.status == 0, said.errors
    assert "nothing is written to it" in said.out
    assert bmsrescue("card", "check", "card").status == 0
    job = check_card({"job.json": Path("card/job.json").read_bytes()})
    assert job.mode == "learn"


def test_a_job_that_learns_and_brings_an_image_is_refused_on_both_sides(bmsrescue: Run) -> None:
    document = {**json.loads(learning_job("x").files["job.json"]), "image": {"file": "a.bin"}}
    Path("card").mkdir()
    Path("card/job.json").write_text(json.dumps(document))
    said = bmsrescue("card", "check", "card")
    assert "Job: image: is not known" in said.errors
    card = make_image({"job.json": json.dumps(document).encode()})
    run = learn("healthy", card, 1)
    assert said.errors.strip() == "error: " + run.record["sentence"]
