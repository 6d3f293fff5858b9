"""Whose firmware a unit has: damage says nothing about it, and no other consent is one to write over it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import Any

import pytest

from bmsrescue.card.fat import make_image, read_files
from bmsrescue.twin.board.unit import Unit
from bmsrescue.twin.firmware import image_bytes
from bmsrescue.twin.rig import TwinRig, card_for
from bmsrescue.twin.scenarios import find
from bmsrescue.twin.scenarios.sister_product import MARKER, MARKER_ADDRESS, load_sister
from bmsrescue.twin.scenarios.unknown_application import SCENARIO as UNKNOWN
from dongle_run import DongleRun, press_button

FLASH = 0x0800_0000
HEADER = MARKER_ADDRESS - FLASH


def run_of(name: str, breaks: Any = None, consent: tuple[str, ...] = (), **target: object) -> DongleRun:
    """One press on the unit of a scenario, with `target` in the job's target and `breaks` on top of its own fault."""
    scenario = find(name)
    if breaks is not None:
        scenario = replace(scenario, breaks=lambda unit: scenario_breaks(name, breaks, unit))
    scenario = replace(scenario, consent=(*scenario.consent, *consent))
    files = read_files(card_for(scenario))
    job = json.loads(files["job.json"])
    job["target"].update(target)
    card = make_image({**files, "job.json": json.dumps(job).encode()})
    return press_button(TwinRig(scenario, card), card)


def scenario_breaks(name: str, breaks: Any, unit: Unit) -> None:
    find(name).breaks(unit)
    breaks(unit)


def half_erased(unit: Unit) -> None:
    """The header's flash word after a cut erase: bits of the name have gone back to 1, the vectors are gone."""
    flash = unit.chip.flash
    word = bytes(byte | 0x24 for byte in flash.snapshot()[HEADER:][: flash.geometry.word_size])
    flash.blank(0)
    flash.load(MARKER_ADDRESS, word)


@pytest.mark.parametrize("breaks", [None, half_erased])
def test_a_marker_that_is_erased_or_half_erased_does_not_keep_a_unit_from_its_cure(breaks: Any) -> None:
    run = run_of("half-on" if breaks is None else "older-build", breaks, marker=MARKER)
    assert run.record["evidence"]["marker"]["found"] == "none"
    assert run.record["outcome"] == "RECOVERED"
    assert run.flash_after[: len(image_bytes("1.2.0"))] == image_bytes("1.2.0")


def protected(unit: Unit) -> None:
    factory = unit.chip.options.factory
    unit.chip.options.preset(replace(factory, wpsn=factory.wpsn & ~0x3))


def test_consent_to_lift_write_protection_is_none_to_write_over_another_product() -> None:
    run = run_of("sister-product", protected, consent=("wrp", "unknown-application", "older-firmware"))
    assert (run.record["diagnosis"]["cause"], run.record["outcome"]) == ("other-product", "WRONG_TARGET")
    assert run.flash_after == run.flash_before


def test_consent_to_lift_write_protection_is_none_to_write_over_an_unknown_application() -> None:
    run = run_of(UNKNOWN.name, protected, consent=("wrp",))
    assert run.record["outcome"] == "LOCKED"
    assert "unknown-application" in run.record["diagnosis"]["needs"]
    assert run.flash_after == run.flash_before


def test_a_known_build_is_known_by_its_digest() -> None:
    block = image_bytes("1.1.0")[HEADER:][:64]
    new = image_bytes("1.2.0")[HEADER:][:64]
    markers = [
        {"address": MARKER_ADDRESS, "length": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for data in (new, block)
    ]
    run = run_of("older-firmware", marker=markers)
    assert run.record["evidence"]["marker"]["found"] == "ours"
    assert run.record["outcome"] == "RECOVERED"


def test_a_job_whose_image_is_another_products_is_refused_before_the_unit_sees_power() -> None:
    run = run_of("half-on", marker={"address": MARKER_ADDRESS, "text": "PACEP16S"})
    assert run.record["outcome"] == "TOOL_ERROR"
    assert "target.marker" in run.record["sentence"]
    assert run.result.power_ons == 0


def test_a_damaged_unit_that_still_shows_another_products_name_is_left_alone() -> None:
    def break_it(unit: Unit) -> None:
        load_sister(unit)
        unit.chip.flash.tear(FLASH + 0x20000)

    run = run_of("healthy", break_it, marker=MARKER)
    assert (run.record["diagnosis"]["cause"], run.record["outcome"]) == ("other-product", "WRONG_TARGET")
    assert run.flash_after == run.flash_before
