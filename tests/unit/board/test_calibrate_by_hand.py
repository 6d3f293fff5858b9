"""`rails --calibrate`: a person with a bench supply and a meter, and a divider whose parts are 3 % off."""

from __future__ import annotations

import io
import json
import sys
from typing import Any

import pytest

from bmsrescue.agent.files import device_dir
from bmsrescue.cli.helper.board import calibrate
from bmsrescue.client.helper import Helper
from rescuelink.errors import LinkError


class Bench:
    """A rail at what the person says that the meter shows; 3.3 V full scale, halved by a divider that is 3 % off."""

    def __init__(self, typed: list[str]) -> None:
        self.text = (device_dir() / "board.json").read_bytes()
        self.resets = 0
        self._volts = [float(one) for one in typed]
        self._readings = 0

    def call(self, method: str, *params: Any, timeout_s: float = 1.0) -> Any:
        if method == "helper.board":
            return self.text
        if method == "rails.raw":
            self._readings += 1
            # Of the first look nothing is taken, then eight readings a voltage, one step of noise.
            volts = self._volts[min(max(self._readings - 2, 0) // 8, 1)]
            return {"v3v3": round(volts / (6.6 * 1.03) * 65536) + 16 * (self._readings % 2), "bplus": None}
        if method == "helper.set_board":
            (self.text,) = params
            return None
        if method == "helper.reset":
            self.resets += 1
            return None
        raise LinkError("unknown_method", method)


def run(bench: Bench, rail: str, typed: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("".join(f"{line}\n" for line in typed)))
    calibrate(Helper(bench), rail, 3, as_json=True)  # type: ignore[arg-type]


def test_what_is_read_afterwards_is_what_the_meter_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    typed = ["0.6", "3.2"]
    bench = Bench(typed)
    run(bench, "v3v3", typed, monkeypatch)
    told = json.loads(capsys.readouterr().out)
    rail = json.loads(bench.text)["rails"]["v3v3"]
    (raw_a, mv_a), (raw_b, mv_b) = rail["calibration"]
    raw = 2.5 / (6.6 * 1.03) * 65536  # what 2.5 V would read
    assert abs(mv_a + (raw - raw_a) * (mv_b - mv_a) / (raw_b - raw_a) - 2500) < rail["calibrated"]["uncertainty_mv"]
    assert abs(told["off_nominal"] - 0.03) < 0.002
    assert bench.resets == 1


@pytest.mark.parametrize(("rail", "typed"), [("v3v3", ["0.6", "0.7"]), ("v3v3", ["600", "3200"]), ("vcap", ["0", "1"])])
def test_nothing_is_kept_of_points_that_cannot_be(rail: str, typed: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(["0.6", "0.7"] if typed[1] == "0.7" else ["0.6", "3.2"])
    before = bench.text
    with pytest.raises(Exception, match=r"close|divider|no rail"):
        run(bench, rail, typed, monkeypatch)
    assert (bench.text, bench.resets) == (before, 0)
