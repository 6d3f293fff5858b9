"""board.json belongs to the helper: its name and its calibrations outlive a deployment."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest

from bmsrescue.board.config import known_boards, load_board, merge, parse
from bmsrescue.errors import UsageError

PICO = load_board("pico")


def calibrated() -> dict[str, object]:
    own = copy.deepcopy(PICO)
    own["helper"] = "bench-7"
    own["rails"]["v3v3"]["calibration"] = [[100, 330], [1000, 3300]]
    return own


def test_name_and_calibration_are_kept_and_pins_come_from_the_chosen_board() -> None:
    own = calibrated()
    chosen = copy.deepcopy(PICO)
    chosen["swd"]["swclk"] = 10
    merged, lost = merge(chosen, own)
    assert merged["helper"] == "bench-7"
    assert merged["rails"]["v3v3"]["calibration"] == [[100, 330], [1000, 3300]]
    assert merged["swd"]["swclk"] == 10
    assert lost == []


def test_a_calibration_of_another_divider_is_not_kept_and_is_named() -> None:
    chosen = copy.deepcopy(PICO)
    chosen["rails"]["v3v3"]["top_ohm"] = 22_000
    merged, lost = merge(chosen, calibrated())
    assert merged["rails"]["v3v3"]["calibration"] is None
    assert lost == ["v3v3"]


def test_a_rail_that_the_chosen_board_does_not_have_is_named() -> None:
    chosen = copy.deepcopy(PICO)
    del chosen["rails"]["v3v3"]
    assert merge(chosen, calibrated())[1] == ["v3v3"]


def test_the_chosen_board_itself_is_not_changed() -> None:
    before = json.dumps(PICO)
    merge(PICO, calibrated())
    assert json.dumps(PICO) == before


@pytest.mark.parametrize("text", ["", '{"helper": "ben', "[1, 2]", "null"])
def test_a_damaged_board_json_counts_as_none(text: str) -> None:
    assert parse(text) is None


def test_odd_but_valid_json_does_no_harm() -> None:
    assert merge(PICO, {"rails": [1], "helper": "x"})[0]["helper"] == "x"
    assert merge(PICO, {"rails": {"v3v3": 7}})[1] == []


def test_a_board_can_be_named_or_given_as_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(PICO), encoding="utf-8")
    assert load_board(str(path)) == PICO
    assert "pico" in known_boards()


@pytest.mark.parametrize(
    ("text", "said"), [("{", "is no JSON"), ("{}", "swd.swclk is missing"), ("[]", "is no board.json")]
)
def test_a_file_that_describes_no_board_is_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "mine.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=said):
        load_board(str(path))


def test_an_unknown_board_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="there is no board teensy") as caught:
        load_board("teensy")
    assert "pico" in caught.value.next_step
