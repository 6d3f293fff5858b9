"""The board files that come with a release: complete, no pin used twice, and honest about what a board lacks."""

from __future__ import annotations

from typing import Any

import pytest

from bmsrescue.board.config import known_boards, load_board

# Whole helpers; the stages of docs/wiring.md have a part of the wires.
BOARDS = sorted(name for name in known_boards() if not name.startswith("pico-"))


def pins_of(config: dict[str, Any]) -> list[object]:
    """Every pin that the file names."""
    card = [config["card"][name] for name in ("sck", "mosi", "miso", "cs") if name in config["card"]]
    bus = [config["i2c"][name] for name in ("sda", "scl") if name in config["i2c"]]
    panel = [config["panel"][name] for name in ("red", "green", "blue", "buzzer", "button")]
    mux = [config["mux"]["adc"], *config["mux"]["select"]]
    return [*config["lines"].values(), *config["swd"].values(), *card, *bus, *panel, *mux]


def test_there_is_one_for_each_family() -> None:
    assert BOARDS == ["esp32-s3", "pico", "pico2", "pyboard"]


@pytest.mark.parametrize("name", BOARDS)
def test_no_pin_is_used_twice(name: str) -> None:
    pins = pins_of(load_board(name))
    assert len(pins) == len(set(pins))


@pytest.mark.parametrize("name", BOARDS)
def test_every_rail_can_be_measured(name: str) -> None:
    config = load_board(name)
    channels = [rail["mux"] for rail in config["rails"].values()]
    assert list(config["rails"]) == ["bplus", "v12", "v5iso", "v3v3", "vcap"]
    assert max(channels) < 1 << len(config["mux"]["select"])


@pytest.mark.parametrize("name", [name for name in BOARDS if name != "pico"])
def test_a_board_that_has_not_been_run_says_so(name: str) -> None:
    assert any("not run by us" in line for line in load_board(name)["lacks"])
