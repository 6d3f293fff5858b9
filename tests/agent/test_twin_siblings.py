"""A dead unit is cured from its siblings' backups, and what is its own survives byte for byte.

Good unit A, good unit B, a job made of their backups, dead unit C: what must be in C afterwards comes from what was put
into each of them, never from what the builder believes.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from bmsrescue.twin.board.unit import Unit
from bmsrescue.twin.firmware.limits import LFP, NMC, limits_block
from siblings import CALIBRATION, FLASH, IMAGE, SECTOR, Cure, good_unit, half_on, ring, sealed

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
    assert cure.run.record["proof"]["passed"], cure.run.record
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
