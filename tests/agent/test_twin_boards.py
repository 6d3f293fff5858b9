"""Boards and helpers that differ from ours in ordinary ways: what is true of the unit is said all the same."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from bmsrescue.card.fat import make_image, read_files
from bmsrescue.twin.board.faults import Backfeed, HelperTraits
from bmsrescue.twin.chip.config import ChipConfig
from bmsrescue.twin.rig import TwinRig, card_for
from bmsrescue.twin.scenarios import find


def pressed(name: str, job: dict[str, Any] | None = None, **faults: Any) -> tuple[TwinRig, dict[str, Any]]:
    """One press on the unit of that scenario, on a board or a helper that is another one."""
    scenario = find(name)
    files = read_files(card_for(scenario))
    document = {**json.loads(files["job.json"]), **(job or {})}
    other = replace(scenario, breaks=lambda unit: scenario.breaks(unit) or unit.break_board(**faults))
    bench = TwinRig(other, make_image({**files, "job.json": json.dumps(document).encode()}))
    result = bench.run()
    assert result.record is not None, result.output
    assert bench.unit.supply_on == ("power" in bench.unit.helper_traits.missing_parts)
    return bench, result.record


def without(*rails: str) -> HelperTraits:
    return HelperTraits(missing_rails=frozenset(rails))


@pytest.mark.parametrize("grounded", [False, True])
def test_the_zero_is_no_voltage(grounded: bool) -> None:
    _, record = pressed("no-supply", helper=HelperTraits(adc_zero_lsb=17.0, grounded_channel=grounded))
    assert record["diagnosis"]["cause"] == "no-supply"
    zero = record["evidence"]["rails"]["zero"]
    assert abs(zero["raw"] - 17 * 16) < 16
    assert zero["by"] == ("grounded channel" if grounded else "lowest rail")


@pytest.mark.parametrize("rail", ["v3v3", "vcap", "v12"])
def test_a_small_back_feed_is_still_one(rail: str) -> None:
    feed = {rail: Backfeed(1300 if rail == "v12" else 500, 5.0)}
    _, record = pressed("healthy", helper=HelperTraits(adc_zero_lsb=19.0), backfeeds=feed)
    assert (record["diagnosis"]["cause"], record["outcome"]) == ("backfeed", "UNSAFE")
    assert record["diagnosis"]["sentence"].startswith(rail)


@pytest.mark.parametrize("rails", [("vcap",), ("bplus", "v12", "v5iso"), ("v12", "vcap")])
def test_a_helper_with_fewer_wires_cures_and_says_what_it_has_not_seen(rails: tuple[str, ...]) -> None:
    _, record = pressed("bad-vectors", helper=without(*rails))
    assert (record["outcome"], record["error"]) == ("RECOVERED", None)
    first = record["proof"]["lines"][0]
    assert first.startswith("the power was away: rails fell (") and first.endswith(", ".join(rails))
    for rail in rails:
        assert rail + " below" not in first


def test_without_a_wire_to_3v3_a_healthy_unit_is_healthy_as_far_as_seen() -> None:
    _, record = pressed("healthy", helper=without("v3v3"))
    assert (record["outcome"], record["diagnosis"]["confidence"]) == ("NO_FAULT_FOUND", "likely")
    assert "as far as seen" in record["diagnosis"]["sentence"]
    assert "not measured: v3v3" in record["diagnosis"]["evidence"]


@pytest.mark.parametrize("name", ["no-supply", "no-vcap"])
def test_without_a_wire_to_3v3_nothing_is_driven_where_the_chip_holds_no_line(name: str) -> None:
    _, record = pressed(name, helper=without("bplus", "v12", "v5iso", "v3v3", "vcap"))
    assert (record["diagnosis"]["cause"], record["swclk_cycles"]) == ("unpowered", 0)
    assert {"no-supply", "no-vcap"} <= set(record["diagnosis"]["alternatives"])


BARE = HelperTraits(
    missing_rails=frozenset(("bplus", "v12", "v5iso", "v3v3", "vcap")),
    missing_parts=frozenset(("power", "boot0", "unit_button", "current")),
)


def test_a_bare_probe_cures_and_claims_no_power_cycle() -> None:
    bench, record = pressed("bad-vectors", helper=BARE)
    assert (record["outcome"], record["power_cycles"], record["error"]) == ("VERIFIED_UNPROVEN", 0, None)
    assert record["proof"]["passed"]
    assert record["proof"]["unproven"] == "this helper has no power switch, and nobody has switched it by hand"
    assert "was away is not proven" in record["proof"]["lines"][0]
    assert record["next_step"].startswith("Switch the unit off")
    assert any("needs a person who switches" in line for line in record["plan"]), "said before the first erase"
    assert bench.unit.display.powered, "it works on, on the supply of others"


def test_a_supply_that_is_not_seen_is_not_said_to_be_there() -> None:
    _, record = pressed("no-supply", helper=without("bplus"))
    assert record["diagnosis"]["confidence"] != "certain"
    assert "B+ is there" not in record["diagnosis"]["sentence"]


def test_a_job_that_knows_the_latch_spares_the_first_try() -> None:
    _, record = pressed("bad-vectors", job={"board": {"latch": "button-or-firmware"}}, latch_kind="held")
    assert (record["outcome"], record["power_cycles"]) == ("RECOVERED", 2)
    assert record["evidence"]["rails"]["button"]["by"] == "job"


def test_a_board_that_holds_itself_is_never_pressed() -> None:
    _, record = pressed("healthy", job={"board": {"latch": "self-holding"}}, open_rails=frozenset({"v12"}))
    assert record["diagnosis"]["cause"] == "no-12v"
    assert (record["power_cycles"], record["evidence"]["rails"].get("button")) == (1, None)


def test_a_dead_converter_stays_dead_with_the_button_held() -> None:
    bench, record = pressed("healthy", open_rails=frozenset({"v12"}))
    assert (record["diagnosis"]["cause"], record["outcome"]) == ("no-12v", "NOT_FIRMWARE")
    assert any("button held" in line for line in record["diagnosis"]["evidence"])
    assert not bench.unit._pressed


@pytest.mark.parametrize("ramp_ms", [250.0, 900.0])
def test_a_supply_that_rises_slowly_hides_no_cure_and_no_proof(ramp_ms: float) -> None:
    _, record = pressed("bad-vectors", supply_ramp_ms=ramp_ms)
    assert (record["diagnosis"]["cause"], record["outcome"]) == ("bad-vectors", "RECOVERED")
    assert record["proof"]["lines"][0].startswith("the power was away: all rails fell")


def test_reset_that_never_rises_is_held_and_one_that_takes_a_second_is_not() -> None:
    _, record = pressed("healthy", nrst_supervisor_ms=1200.0)
    assert record["outcome"] == "NO_FAULT_FOUND"
    _, record = pressed("healthy", nrst_held=True)
    assert record["diagnosis"]["cause"] == "held-in-reset"


def test_reset_that_stays_low_without_core_supply_is_waited_for_once() -> None:
    _, record = pressed("no-vcap", nrst_supervisor_ms=560.0)
    assert record["evidence"]["nrst"]["low_ms"] >= 2_000
    assert record["diagnosis_ms"] < 7_500, "each way to the chip had its turn, without that wait"
    ways = [attempt["how"] for attempt in record["evidence"]["swd"]["tries"]]
    assert ways.count("boot0") == ways.count("power-cycle-under-reset") == 1


@pytest.mark.parametrize("name", ["wrong-supply", "wrong-supply-boot0"])
@pytest.mark.parametrize("delay_ms", [560.0, 1200.0])
def test_a_slow_supervisor_hides_no_chip_that_hides_by_itself(name: str, delay_ms: float) -> None:
    _, record = pressed(name, nrst_supervisor_ms=delay_ms)
    assert (record["diagnosis"]["cause"], record["outcome"]) == ("wrong-supply", "RECOVERED")


@pytest.mark.parametrize("fault", [{"swd_swapped": True}, {"swdio_open": True}])
@pytest.mark.parametrize("threshold_v", [0.9, 1.9])
def test_wrong_wires_are_named_wherever_the_helpers_inputs_decide(fault: dict[str, bool], threshold_v: float) -> None:
    traits = HelperTraits(input_threshold_v=threshold_v)
    _, record = pressed("healthy", helper=traits, **fault)
    assert record["outcome"] == "CHECK_WIRES"
    assert record["power_cycles"] == 1


@pytest.mark.parametrize("threshold_v", [0.9, 1.9])
def test_undefined_levels_do_not_keep_a_chip_that_hides_from_being_reached(threshold_v: float) -> None:
    _, record = pressed("swd-reused", helper=HelperTraits(input_threshold_v=threshold_v, pull_ohm=50_000.0))
    assert record["outcome"] == "RECOVERED"


def test_an_h5_on_noisy_wires_is_another_family_or_trouble_with_the_wires_and_an_h7_never_another_family() -> None:
    scenario = find("healthy")
    for seed in range(3):
        noisy = replace(scenario, breaks=lambda unit: unit.break_board(swd_bit_error_rate=2e-3))
        record = TwinRig(noisy, card_for(scenario), seed=seed).run().record
        assert record is not None and record["outcome"] != "WRONG_TARGET"
    h5 = replace(
        scenario, config=ChipConfig(family="h5"), breaks=lambda unit: unit.break_board(swd_bit_error_rate=1e-4)
    )
    record = TwinRig(h5, card_for(scenario)).run().record
    assert record is not None and record["outcome"] in ("WRONG_TARGET", "CHECK_WIRES")
