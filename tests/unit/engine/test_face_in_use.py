"""A person at the dongle: results page by page, menu, many units, settings, self-test. On a real MicroPython."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from bmsrescue.agent import words
from bmsrescue.agent.files import device_dir, shared_dir
from bmsrescue.twin.helper.process import find_interpreter

SCRIPT = Path(__file__).parent / "scripts" / "use_the_face.py"


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Any:
    root = tmp_path_factory.mktemp("flash")
    (root / "card").mkdir()
    (root / words.PLACE).mkdir()
    for place, data in words.files().items():
        (root / place).write_bytes(data)
    (root / "rescue").symlink_to(device_dir() / "rescue")
    environment = {**os.environ, "MICROPYPATH": f"{root}:{shared_dir()}:.frozen"}
    command = [find_interpreter(), "-X", "heapsize=8m", SCRIPT, str(root)]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=100)
    assert run.returncode == 0, run.stdout + run.stderr
    return json.loads(run.stdout)


def test_one_press_treats_one_unit_and_its_result_is_beeped(seen: Any) -> None:
    assert seen["treated by one press"] == 1
    assert seen["beeps"] == 1  # RECOVERED: one long


def test_short_presses_read_the_result_page_by_page_and_start_nothing(seen: Any) -> None:
    assert seen["pages behind the result"] >= 2
    assert seen["pictures after reading all"] >= seen["pages behind the result"]
    assert seen["treated by reading"] == 1


def test_every_run_is_counted_with_its_unit(seen: Any) -> None:
    assert seen["counted"]["runs"] == seen["counted"]["good"] == 2
    assert seen["counted"]["last"][0] == ["365139384138470400BD0010", "RECOVERED"]


def test_units_that_are_put_in_one_after_the_other_are_treated_once_each(seen: Any) -> None:
    assert seen["treated of a pile"] == 3
    assert seen["pile"] == [3, 3]


def test_a_pile_ends_at_its_limit(seen: Any) -> None:
    assert seen["treated of a pile with a limit"] == 2


def test_where_no_wire_tells_of_a_unit_the_button_does_and_a_long_press_ends_the_pile(seen: Any) -> None:
    assert seen["by button alone"] == [1, None]
    assert seen["there"] == [False, None]


def test_every_entry_of_the_menu_shows_something(seen: Any) -> None:
    blank = [f"{entry}: {shown}" for entry, shown in seen["opened"].items() if not isinstance(shown, int) or not shown]
    assert not blank, f"opened from device/rescue/front/menu.py: {blank}"


def test_language_and_sound_outlive_a_start_and_win_over_board_json(seen: Any) -> None:
    assert seen["language of board.json"] == "de"
    assert seen["chosen"] == {"language": "en", "sound": False}
    assert seen["after a new start"] == ["en", False]


def test_a_helper_in_order_passes_its_self_test(seen: Any) -> None:
    verdicts = {name: verdict for name, verdict, _detail in seen["well"]}
    assert verdicts == {"card": "pass", "zero": "skip", "reference": "marginal", "lines": "pass", "clock": "pass"}
    assert ["reference", "marginal", "1/2"] in seen["well"]


def test_a_stuck_wire_is_named_and_a_missing_part_is_no_fault(seen: Any) -> None:
    assert seen["stuck"] == [["lines", "fail", "SWCLK"]]
    assert {verdict for _name, verdict, _detail in seen["not there"]} == {"skip", "pass"}
    assert seen["no card"][0][1] == "fail"


def test_two_points_by_a_meter_are_kept_and_agree_with_the_meter(seen: Any) -> None:
    text, points, uncertainty_mv = seen["calibrated"]
    assert text == "cal.kept"
    (raw_a, mv_a), (raw_b, mv_b) = points
    assert [mv_a, mv_b] == [100, 3300]
    at_two_volts = 2000 * 65535 // 6600 * 98 // 100
    assert abs(mv_a + (at_two_volts - raw_a) * (mv_b - mv_a) / (raw_b - raw_a) - 2000) <= uncertainty_mv <= 12


def test_points_that_cannot_be_are_not_kept_and_it_is_said_why(seen: Any) -> None:
    assert [text for text, _points in seen["uncalibrated"]] == [
        *("cal.close", "cal.falls", "cal.slope", "cal.end", "cal.moves", "cal.high")
    ]
    assert all(points is None for _text, points in seen["uncalibrated"])


def test_without_a_display_a_long_press_starts_too(seen: Any) -> None:
    assert seen["without a display"] == 1


def test_a_verdict_is_certain_only_outside_the_doubt_of_the_reading(seen: Any) -> None:
    # The 3.3 V window of 3135 to 3465 mV, read to 54 mV: fail below 3081 and above 3519, pass from 3189 to 3411.
    assert seen["judged"] == ["fail", *["marginal"] * 2, "pass", "pass", *["marginal"] * 2, "fail"]
