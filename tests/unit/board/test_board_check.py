"""`bmsrescue board check` tells what cannot be, and what a missing part costs."""

from __future__ import annotations

import copy
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from bmsrescue.agent.files import device_dir
from bmsrescue.board.calibration import calibrated, point
from bmsrescue.board.check import COSTS, check
from bmsrescue.board.config import load_board, merge
from bmsrescue.board.pins import PICO, pins_of
from bmsrescue.errors import UsageError
from rescuelink.two_points import uncertainty_mv

OURS: dict[str, Any] = json.loads((device_dir() / "board.json").read_text(encoding="utf-8"))


def changed(path: str, value: object) -> dict[str, Any]:
    config = copy.deepcopy(OURS)
    *groups, last = path.split(".")
    at = config
    for group in groups:
        at = at[group]
    at[last] = value
    return config


def test_the_board_that_comes_with_it_has_nothing_to_be_told() -> None:
    found = check(OURS, PICO)
    assert (found.faults, found.doubts, found.costs) == ([], [], [])


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        ("lines.nrst", 7, "pin 7 is used by swd.swdio and lines.nrst"),
        ("mux.adc", 22, "pin 22 has no ADC; 26, 27, 28 have"),
        ("lines.boot0", 31, "has no pin 31"),
        ("lines.boot0", 25, "taken by the board's LED"),
        ("i2c.sda", 11, "pin 11 is no SDA of I2C 0"),
        ("card.miso", 27, "pin 27 is no MISO of SPI 0"),
        ("rails.v12.mux", 0, "channel 0 of the multiplexer is used by rails.bplus and rails.v12"),
        ("rails.v12.mux", 9, "rails.v12 is on channel 9, and 3 select lines reach 8"),
        ("mux.zero", 4, "channel 4 of the multiplexer is used by mux.zero and rails.vcap"),
        ("rails.v12.top_ohms", 5, "rails.NAME.top_ohms is no key"),
        ("rails.v12.bottom_ohm", 0, "rails.v12 has no divider"),
        ("rails.v12.adc", 27, "rails.v12 needs one of mux, adc, ina226, and has mux, adc"),
        ("mux", None, "rails.bplus is on a multiplexer that is not there"),
        ("swd", {}, "swd.swclk is missing"),
        ("wdt", 5, "wdt is no key"),
        ("lines.unit_buton", 5, "lines.unit_buton is no key that anything reads; lines.unit_button is one"),
        ("rails", [1], "rails is [1], and no object"),
        ("rails.v12", 7, "rails.v12 is 7, and no object"),
        ("rails.v12.mux", "a", "rails.v12.mux is 'a', and no channel"),
        ("lines.nrst", [3], "lines.nrst is [3], and no pin"),
        ("mux.select", 8, "mux.select is 8, and no list"),
    ],
)
def test_what_cannot_be_is_told(path: str, value: object, told: str) -> None:
    faults = check(changed(path, value), PICO).faults
    assert any(told in fault for fault in faults), faults


@pytest.mark.parametrize(
    ("path", "part"),
    [
        ("lines", "power"),
        ("lines", "nrst"),
        ("rails", "v3v3"),
        ("rails", "vcap"),
        ("panel", "buzzer"),
        ("panel", "button"),
    ],
)
def test_a_missing_part_can_be_and_its_cost_is_told(path: str, part: str) -> None:
    config = copy.deepcopy(OURS)
    del config[path][part]
    found = check(config, PICO)
    assert (found.faults, found.costs) == ([], [(part, COSTS[part])])


def test_four_wires_are_a_helper_that_promises_little() -> None:
    found = check({"swd": {"swclk": 6, "swdio": 7}}, PICO)
    assert found.faults == []
    assert {"power", "nrst", "current", "rails"} <= dict(found.costs).keys()


def test_such_a_board_may_be_deployed(tmp_path: Path) -> None:
    (tmp_path / "four.json").write_text('{"helper": "small", "swd": {"swclk": 6, "swdio": 7}}')
    assert load_board(str(tmp_path / "four.json"))["helper"] == "small"
    (tmp_path / "bad.json").write_text('{"swd": {"swclk": 6, "swdio": 6}}')
    with pytest.raises(UsageError, match="pin 6 is used by"):
        load_board(str(tmp_path / "bad.json"))


def test_pins_of_boards_that_are_not_known_are_not_judged() -> None:
    assert pins_of("ESP32S3 module with ESP32S3") is None
    assert pins_of("Raspberry Pi Pico 2 with RP2350") is PICO


# -- calibration -------------------------------------------------------------------------------------------------------


def test_two_points_of_a_divider_that_is_two_percent_off_are_kept_with_date_and_uncertainty() -> None:
    # 10 k over 10 k at 3.3 V full scale: 6.6 V of 65535. The rail's parts make it 2 % more.
    volts = (500, 3300)
    readings = [[round(mv / (6600 * 1.02) * 65535) + noise for noise in (-8, 0, 8)] for mv in volts]
    points = [point(values, mv) for values, mv in zip(readings, volts, strict=True)]
    off_mv = uncertainty_mv(readings, points, meter_mv=5)
    text, off = calibrated(json.dumps(OURS).encode(), "v3v3", points, off_mv, date(2026, 11, 29))
    rail = json.loads(text)["rails"]["v3v3"]
    assert abs(off - 0.02) < 0.001
    assert [mv for _raw, mv in rail["calibration"]] == [500, 3300]
    assert rail["calibrated"] == {"date": "2026-11-29", "uncertainty_mv": off_mv}
    assert 5 < off_mv <= 7  # the meter's 5 mV, and 8 steps of 0.1 mV either way
    assert check(json.loads(text), PICO).doubts == []
    # A newer board.json keeps it.
    assert merge(OURS, json.loads(text))[0]["rails"]["v3v3"] == rail


@pytest.mark.parametrize(
    ("points", "told"),
    [
        ([(5000, 500), (6000, 600)], "too close"),
        ([(5000, 3300), (33000, 500)], "fall where"),
        ([(5000, 50), (33000, 330)], "off what the divider says"),
    ],
)
def test_points_that_cannot_be_of_this_divider_are_refused(points: list[tuple[int, int]], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        calibrated(json.dumps(OURS).encode(), "v3v3", points, 5, date(2026, 11, 29))


def test_an_adc_at_its_end_is_no_point() -> None:
    with pytest.raises(UsageError, match="end of its range"):
        point([65535, 65535], 3300)
