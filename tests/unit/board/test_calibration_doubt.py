"""What a reading may be off goes into its verdict: by the helper's own calibration, else by its nominal resistors."""

from __future__ import annotations

from bmsrescue.board.calibration import judged_reading

CALIBRATED = {"rails": {"v3v3": {"calibrated": {"date": "2026-11-29", "uncertainty_mv": 17}}}}


def test_a_calibrated_rail_is_judged_more_sharply_than_a_nominal_one() -> None:
    # 3.3 V +-5 %: 3135 to 3465 mV.
    assert judged_reading(CALIBRATED, "v3v3", 3160) == {"off_mv": 17, "verdict": "pass"}
    assert judged_reading({}, "v3v3", 3160) == {"off_mv": 60, "verdict": "marginal"}
    assert judged_reading(CALIBRATED, "v3v3", 3100)["verdict"] == "fail"
    assert judged_reading({}, "v3v3", 3100)["verdict"] == "marginal"


def test_a_rail_that_is_off_is_no_failure_and_an_unknown_one_is_not_judged() -> None:
    assert judged_reading({}, "v3v3", 12)["verdict"] == "off"
    assert judged_reading({}, "aux", 5000)["verdict"] == ""
