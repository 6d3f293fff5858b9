"""Consent that a job leaves to the person at the dongle: a screen names unit and scope, then a long press is a yes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bmsrescue.card.fat import make_image, read_files
from bmsrescue.twin.helper.panel import Press
from bmsrescue.twin.rig import TwinRig, card_for
from bmsrescue.twin.scenarios import find

START = Press()
LONG = Press(after_ms=6_000, duration_ms=2_000)
SHORT = Press(after_ms=6_000, duration_ms=200)
TOO_EARLY = Press(after_ms=1_500, duration_ms=1_900)  # over before anybody can have read the screen


def asked(name: str, words: list[str], *presses: Press) -> tuple[TwinRig, dict[str, Any]]:
    scenario = find(name)
    files = read_files(card_for(scenario))
    job = json.loads(files["job.json"])
    job["policy"] = {"mode": "repair", "preserve": [], "consent": [], "ask": words}
    card = make_image({**files, "job.json": json.dumps(job).encode()})
    bench = TwinRig(scenario, card, presses=(START, *presses))
    record = bench.run().record
    assert record is not None
    return bench, record


@pytest.mark.parametrize(
    ("name", "word", "scope", "outcome"),
    [
        ("wrp", "wrp", "lift write protection", "RECOVERED"),
        ("torn-calibration", "sector:7", "rewrite sector 7", "RECOVERED_CHECK_CONFIG"),
        ("rdp1", "rdp-regression", "ERASE ALL, calibration too", "RECOVERED_CHECK_CONFIG"),
        ("unknown-application", "unknown-application", "ERASE an unknown application", "RECOVERED"),
    ],
)
def test_a_long_press_after_the_screen_is_a_yes(name: str, word: str, scope: str, outcome: str) -> None:
    _, record = asked(name, [word], LONG)
    assert record["outcome"] == outcome
    given = record["consent"]
    assert (given["words"], given["scope"], given["given"]) == ([word], scope, True)
    assert given["unit"] == record["unit"]["uid"]
    assert given["by"].startswith("operator:long press")
    assert record["diagnosis_ms"] < 10_000, "the diagnosis does not wait for the answer"


@pytest.mark.parametrize("press", [SHORT, TOO_EARLY, None])
def test_anything_else_is_a_no_and_nothing_is_written(press: Press | None) -> None:
    presses = () if press is None else (press,)
    bench, record = asked("wrp", ["wrp"], *presses)
    assert (record["outcome"], record["consent"]["given"]) == ("LOCKED", False)
    assert bench.unit.chip.options.stored == TwinRig(find("wrp"), None).unit.chip.options.stored
    assert bench.unit.chip.flash.is_blank(0)


def test_nobody_is_asked_for_what_the_job_does_not_leave_to_people() -> None:
    _, record = asked("wrp", ["sector:7"], LONG)
    assert (record["outcome"], record["consent"]) == ("LOCKED", None)
