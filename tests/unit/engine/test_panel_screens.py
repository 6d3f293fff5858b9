"""The front of the helper, drawn by a real MicroPython (only there is a framebuf): screens, light, sound, button."""

import json
import os
import re
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


def test_every_screen_is_drawn_here() -> None:
    pages = (device_dir() / "rescue" / "front" / "pages.py").read_text(encoding="utf-8")
    drawn = SCRIPT.read_text(encoding="utf-8")
    missing = [name for name in re.findall(r"^def ([a-z]\w*)\(", pages, re.MULTILINE) if f"{name}(" not in drawn]
    assert not missing, f"draw it in scripts/{SCRIPT.name}, and say here what it must show: {missing}"


def test_half_the_work_is_half_a_bar(seen: Any) -> None:
    left = ink(seen["half"], 32, 38, 2, 64)
    right = ink(seen["half"], 32, 38, 66, 126)
    assert left == 6 * 62
    assert right == 0


def test_the_time_left_is_written_beside_the_percentage(seen: Any) -> None:
    assert ink(seen["half"], 46, 54, 0, 40) > 0
    assert ink(seen["half"], 46, 54, 60, 128) > 0


def test_the_display_is_not_refreshed_more_than_twice_a_second_while_working(seen: Any) -> None:
    assert seen["refreshes_in_200_ms"] == 0


def test_results_differ_in_their_headline(seen: Any) -> None:
    assert seen["recovered"][:11] != seen["unsafe"][:11]


def test_a_result_whose_record_is_lost_tells_how_the_unit_did(seen: Any) -> None:
    assert seen["unsaved"] == seen["unsaved in words"]


def test_no_two_kinds_of_result_share_light_and_sound(seen: Any) -> None:
    patterns = [json.dumps(pattern, sort_keys=True) for pattern in seen["patterns"].values()]
    assert len(set(patterns)) == len(patterns)
    beeps = [pattern["beeps"] for pattern in seen["patterns"].values()]
    assert len({str(beep) for beep in beeps}) == len(beeps), "never told by colour alone"


def test_every_outcome_has_a_pattern(seen: Any) -> None:
    assert {outcome.colour for outcome in OUTCOMES.values()} <= set(seen["patterns"])


def test_pass_is_solid_green_and_one_long_beep(seen: Any) -> None:
    assert seen["patterns"]["green"] == {"lights": ["(0, 255, 0)"], "beeps": [400]}


def test_short_and_long_presses_are_told_apart_and_a_bounce_is_none(seen: Any) -> None:
    assert seen["button"] == ["short", "long", None, None]


def test_a_long_text_is_wrapped_and_says_that_it_goes_on(seen: Any) -> None:
    assert seen["wrapped"][0] == "Do the maker's"
    assert seen["wrapped"][-1].endswith("...")
    assert all(len(line) <= 16 for line in seen["wrapped"])
