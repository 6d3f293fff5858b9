"""The front of the helper, drawn by a real MicroPython (only there is a framebuf): screens, light, sound, button."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from bmsrescue.agent.files import device_dir, shared_dir
from bmsrescue.twin.helper.process import find_interpreter
from rescuelink.outcomes import OUTCOMES

SCRIPT = Path(__file__).parent / "scripts" / "draw_screens.py"


@pytest.fixture(scope="module")
def seen() -> Any:
    environment = {**os.environ, "MICROPYPATH": f"{device_dir()}:{shared_dir()}:.frozen"}
    run = subprocess.run([find_interpreter(), SCRIPT], env=environment, capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stdout + run.stderr
    return json.loads(run.stdout)


def ink(rows: list[str], top: int = 0, bottom: int = 64, left: int = 0, right: int = 128) -> int:
    return sum(row[left:right].count("#") for row in rows[top:bottom])


def test_every_screen_fills_128_by_64_pixels_and_shows_something(seen: Any) -> None:
    for name in ("idle", "half", "recovered", "unsafe"):
        assert [len(row) for row in seen[name]] == [128] * 64
        assert ink(seen[name]) > 100


def test_the_bar_is_of_the_whole_job_not_of_the_step(seen: Any) -> None:
    # Half of the backup: some 17 % of the job, by what its steps took before.
    filled = next(x for x in range(126, 2, -1) if seen["half"][34][x - 1] == "#" or x == 3)
    assert 12 < (filled - 2) * 100 / 124 < 22
    assert ink(seen["half"], 32, 38, 2, 20) == 6 * 18


def test_the_time_left_is_written_beside_the_percentage(seen: Any) -> None:
    assert ink(seen["half"], 46, 54, 0, 40) > 0
    assert ink(seen["half"], 46, 54, 60, 128) > 0


def test_the_display_is_not_refreshed_more_than_twice_a_second_while_working(seen: Any) -> None:
    assert seen["refreshes_in_200_ms"] == 0


def test_results_differ_in_their_headline(seen: Any) -> None:
    assert seen["recovered"][:11] != seen["unsafe"][:11]


def test_a_result_whose_record_is_lost_tells_how_the_unit_did(seen: Any) -> None:
    assert seen["unsaved"][:11] == seen["not told"][:11]  # TOOL ERROR
    assert seen["unsaved"][13:31] != seen["not told"][13:31]  # RECOVERED, not the cause
    assert seen["unsaved"][33:] == seen["not told"][33:]  # what to do with the card


def test_no_two_outcomes_share_a_symbol_a_blink_or_a_sound(seen: Any) -> None:
    codes = seen["codes"]
    assert set(codes) == set(OUTCOMES)
    for told in ("lights", "beeps"):
        assert len({json.dumps(code[told]) for code in codes.values()}) == len(OUTCOMES), told
    lit = {name: "".join(".#"[any(light)] for light in code["lights"]) for name, code in codes.items()}
    assert len(set(lit.values())) == len(OUTCOMES), "told by the blinks alone, whatever the colour"
    assert len({outcome.symbol for outcome in OUTCOMES.values()}) == len(OUTCOMES)


def test_a_code_that_begins_long_asks_for_no_repair() -> None:
    begins_short = {name for name, outcome in OUTCOMES.items() if outcome.code[0] == "."}
    harmless = {name for name, outcome in OUTCOMES.items() if outcome.exit_class == 0} | {
        "VERIFIED_UNPROVEN",
        "ABORTED",
        "EXAMINED",
    }
    assert begins_short == set(OUTCOMES) - harmless


def test_every_outcome_has_a_pattern(seen: Any) -> None:
    assert {outcome.colour for outcome in OUTCOMES.values()} <= set(seen["patterns"])
    assert len({str(lights) for lights in seen["patterns"].values()}) == len(seen["patterns"])


def test_pass_is_solid_green_and_one_long_beep(seen: Any) -> None:
    assert seen["patterns"]["green"] == ["(0, 255, 0)"]
    assert {tuple(light) for light in seen["codes"]["RECOVERED"]["lights"]} == {(0, 255, 0)}
    assert seen["codes"]["RECOVERED"]["beeps"] == [400]


def test_short_and_long_presses_are_told_apart_and_a_bounce_is_none(seen: Any) -> None:
    assert seen["button"] == ["short", "long", None, None]


def test_a_long_text_is_wrapped_and_says_that_it_goes_on(seen: Any) -> None:
    assert seen["wrapped"][0] == "Do the maker's"
    assert seen["wrapped"][-1].endswith("...")
    assert all(len(line) <= 16 for line in seen["wrapped"])
