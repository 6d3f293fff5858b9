"""A dead unit is cured from its siblings' backups, and what is its own survives byte for byte.

Good unit A, good unit B, a job made of their backups, dead unit C: what must be in C afterwards comes from what was put
into each of them, never from what the builder believes.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bmsrescue.twin.board.unit import Unit
from bmsrescue.twin.firmware.limits import LFP, NMC, limits_block
from bmsrescue.twin.rig import TwinRig
from bmsrescue.twin.scenarios import find
from bmsrescue.twin.scenarios.scenario import build_unit
from dongle_run import press_button
from helper_command import Run
from rescuelink.job import default_job
from siblings import (
    CALIBRATION,
    FLASH,
    IMAGE,
    SECTOR,
    Cure,
    GeneratedCure,
    backup_file,
    good_unit,
    half_on,
    ring,
    sealed,
)

TAIL = FLASH + len(IMAGE)
SETTINGS = FLASH + 2 * SECTOR + 0x1_5000  # in the last sector of the application
SERIAL = FLASH + 2 * SECTOR + 0x1_F000
LOG = FLASH + 2 * SECTOR + 0x1_8000
HISTORY = FLASH + 5 * SECTOR


def own_of(seed: int, entries: int) -> dict[int, bytes]:
    """Settings with a seal, a serial number without, a log beside the application and a history in its own sectors."""
    return {
        SETTINGS: sealed(seed, 512),
        SERIAL: f"BMS16-{7_000_000 + seed}".encode().ljust(32, b"\0"),
        LOG: ring(("log", seed), entries),
        HISTORY: ring(("history", seed), 40 * entries),
    }


def test_two_siblings_give_their_firmware_and_nothing_of_their_own(tmp_path: Path) -> None:
    cure = Cure(tmp_path, [good_unit(1), good_unit(2)], half_on({}))
    assert cure.outcome == "RECOVERED", cure.run.record
    assert cure.holds_image()
    assert cure.keeps(CALIBRATION, SECTOR)
    assert cure.run.flash_after[len(IMAGE) :] == cure.run.flash_before[len(IMAGE) :]


@pytest.mark.parametrize(("with_dead", "outcome"), [(True, "RECOVERED"), (False, "RECOVERED_CHECK_CONFIG")])
def test_own_data_in_the_applications_sectors_survive(tmp_path: Path, with_dead: bool, outcome: str) -> None:
    own = own_of(3, 90)
    good = [good_unit(1, own_of(1, 2)), good_unit(2, own_of(2, 8))]
    cure = Cure(tmp_path, good, half_on(own), with_dead=with_dead)
    assert cure.outcome == outcome, cure.run.record
    assert cure.holds_image()
    for address, data in own.items():
        low = address - FLASH
        assert cure.run.flash_after[low : low + len(data)] == data, hex(address)
    assert cure.keeps(CALIBRATION, SECTOR)
    assert cure.keeps(HISTORY, SECTOR)


def test_one_sibling_keeps_them_too_and_says_that_it_cannot_know(tmp_path: Path) -> None:
    own = own_of(3, 90)
    cure = Cure(tmp_path, [good_unit(1, own_of(1, 2))], half_on(own))
    assert cure.outcome == "RECOVERED_CHECK_CONFIG", cure.run.record
    assert "Check serial number, calibration and limits" in cure.run.record["next_step"]
    assert cure.holds_image()
    for address, data in own.items():
        assert cure.keeps(address, len(data)), hex(address)
    assert cure.keeps(CALIBRATION, SECTOR)


def test_a_table_that_siblings_share_stays_the_units_own_where_it_has_one(tmp_path: Path) -> None:
    good = [good_unit(1, {TAIL: limits_block(NMC)}), good_unit(2, {TAIL: limits_block(NMC)})]
    cure = Cure(tmp_path, good, half_on({TAIL: limits_block(LFP)}))
    assert cure.outcome == "RECOVERED_CHECK_CONFIG", cure.run.record
    low = TAIL - FLASH
    assert cure.run.flash_after[low : low + 64] == limits_block(LFP)


def test_it_is_taken_from_them_where_the_dead_unit_has_lost_it(tmp_path: Path) -> None:
    good = [good_unit(1, {TAIL: limits_block(NMC)}), good_unit(2, {TAIL: limits_block(NMC)})]
    cure = Cure(tmp_path, good, half_on({}))
    assert cure.outcome == "RECOVERED_CHECK_CONFIG"
    low = TAIL - FLASH
    assert cure.run.flash_after[low : low + 64] == limits_block(NMC)


def test_a_calibration_that_is_lost_is_never_the_siblings(tmp_path: Path) -> None:
    def breaks(unit: Unit) -> None:
        half_on({})(unit)
        unit.chip.flash.blank(7)

    cure = Cure(tmp_path, [good_unit(1), good_unit(2)], breaks)
    assert cure.outcome == "RECOVERED_CHECK_CONFIG"
    assert any("lost its own data at 0x080e0000" in note for note in cure.built.notes)
    assert cure.run.flash_after[7 * SECTOR :] == b"\xff" * SECTOR


def test_every_sector_of_the_application_is_erased_and_its_own_data_with_them(tmp_path: Path) -> None:
    def breaks(unit: Unit) -> None:
        for sector in range(3):
            unit.chip.flash.blank(sector)

    good = [good_unit(1, own_of(1, 2)), good_unit(2, own_of(2, 8))]
    cure = Cure(tmp_path, good, breaks)
    assert cure.outcome == "RECOVERED_CHECK_CONFIG"
    assert cure.holds_image()
    assert cure.run.flash_after[len(IMAGE) : 3 * SECTOR] == b"\xff" * (3 * SECTOR - len(IMAGE))


def test_words_that_the_update_has_torn_are_cured_and_own_data_beside_them_survive(tmp_path: Path) -> None:
    own = own_of(3, 20)

    def breaks(unit: Unit) -> None:
        half_on(own)(unit)
        unit.chip.flash.tear(FLASH + 2 * SECTOR + 0x1000)

    good = [good_unit(1, own_of(1, 2)), good_unit(2, own_of(2, 8))]
    cure = Cure(tmp_path, good, breaks)
    assert cure.outcome == "RECOVERED", cure.run.record
    for address, data in own.items():
        assert cure.keeps(address, len(data)), hex(address)


# Of the field's: bootloader, tables apart from the program, own data in the application's only sector, torn words.
@pytest.mark.parametrize("seed", [18, 39, 54, 93, 105, 138])
def test_a_generated_unit_is_cured_from_its_siblings(seed: int) -> None:
    cure = GeneratedCure(seed)
    record = cure.result.record
    assert record is not None, cure.result.output
    assert record["outcome"] in ("RECOVERED", "RECOVERED_CHECK_CONFIG"), record
    assert record["outcome"] == "RECOVERED_CHECK_CONFIG" or not cure.asked
    for address, data in cure.case.segments():
        assert cure.after[address - FLASH :][: len(data)] == data
    assert cure.changed() == []
    assert not any(own in cure.after for number in (1, 2) for own in cure.siblings_own(number).values())


def test_a_whole_flash_is_an_image_where_the_job_names_what_is_own(bmsrescue: Run) -> None:
    backup_file(Path(), "good.bin", good_unit(1))
    document = default_job("good.bin", "", [])
    document["image"] = {"file": "good.bin", "version": "1.2.0"}
    Path("job.json").write_text(json.dumps(document))
    refused = bmsrescue("card", "build", "job.json", "-o", "card.img")
    assert "its calibration and serial number would go to the unit" in refused.errors
    assert "--whole-flash" not in refused.errors
    assert bmsrescue("card", "build", "good.bin", "-o", "card.img").status == 1
    assert not Path("card.img").exists()
    document["policy"] = {"preserve": [{"name": "calibration", "address": CALIBRATION, "length": 4096}]}
    Path("job.json").write_text(json.dumps(document))
    said = bmsrescue("card", "build", "job.json", "-o", "card.img")
    assert said.status == 0, said.errors
    card = bytearray(Path("card.img").read_bytes())
    scenario = replace(find("healthy"), breaks=half_on({}))
    run = press_button(TwinRig(scenario, card, seed=3), card)
    assert run.record["outcome"] == "RECOVERED", run.record
    assert run.flash_after[: len(IMAGE)] == IMAGE
    assert run.flash_after[7 * SECTOR :] == run.flash_before[7 * SECTOR :]


def test_the_command_shows_the_map_and_makes_the_card(bmsrescue: Run) -> None:
    for number in (1, 2):
        backup_file(Path(), f"good{number}.bin", good_unit(number, own_of(number, 3)))
    backup_file(Path(), "dead.bin", build_unit(replace(find("healthy"), breaks=half_on(own_of(3, 20))), 3))
    words = ["card", "build", "--from", "good1.bin", "good2.bin", "--dead", "dead.bin", "-o"]
    said = bmsrescue(*words, "card", "--picture", "map.png")
    assert said.status == 0, said.errors
    assert "0x080e0000 =" in said.out
    assert "differs between the siblings, sealed (CRC-32)" in said.out
    assert Path("map.png").read_bytes().startswith(b"\x89PNG")
    assert bmsrescue("card", "check", "card").status == 0
    told = bmsrescue(*words, "card2", "--json").json
    assert {part["kind"] for part in told["map"]["parts"]} == {"image", "own"}
    assert len(told["map"]["units"]) == 2
    assert "is no image" in bmsrescue("card", "build", "dead.bin", "-o", "card3").errors
    assert "cannot start" in bmsrescue("card", "build", "--from", "dead.bin", "-o", "card3").errors
    assert "belong to an image" in bmsrescue(*words, "card3", "--whole-flash").errors
    assert "belong to --from" in bmsrescue("card", "build", "good1.bin", "--dead", "dead.bin", "-o", "card3").errors
    assert bmsrescue("card", "build", "--from", "nowhere.bin", "-o", "card3").status == 2
    assert not Path("card3").exists()
