"""The unit is powered within limits, cut at once beyond them, and proven off."""

import pytest
from engine_bench import GOOD_MV, ScriptedPorts, healthy

from rescue.engine.power import Power
from rescue.engine.unit import power_cycle
from rescuelink.errors import PowerError
from rescuelink.limits import default_limits


def power_of(ports: ScriptedPorts) -> Power:
    return Power(ports, default_limits())


def test_a_healthy_unit_comes_up_and_its_rails_are_reported_with_extremes() -> None:
    ports = ScriptedPorts()
    rails = power_cycle.energise(power_of(ports))
    assert rails["v3v3"] == {"mv": 3300, "min_mv": 3300, "max_mv": 3300}
    assert ports.lines.on_since is not None


def test_a_rail_that_is_up_with_the_power_off_is_a_backfeed_and_nothing_is_switched_on() -> None:
    ports = ScriptedPorts()
    ports.rails.volts = lambda name, on_ms, off_ms: 1800 if name == "v3v3" else 0
    power = power_of(ports)
    power_cycle.sense_off(power)
    assert power.trip["kind"] == "backfeed"
    assert power.trip["rail"] == "v3v3"
    assert ports.lines.powers_on == []


def test_a_slowly_bleeding_rail_is_waited_for() -> None:
    ports = ScriptedPorts()
    ports.rails.volts = lambda name, on_ms, off_ms: max(3300 - ports.clock.now_ms, 0)
    power = power_of(ports)
    power_cycle.sense_off(power)
    assert power.trip is None
    assert ports.clock.now_ms >= 3000


@pytest.mark.parametrize(("rail", "mv"), [("vcap", 1460), ("v3v3", 3700), ("v12", 15100), ("v5iso", 7100)])
def test_an_over_voltage_cuts_the_power_at_once(rail: str, mv: int) -> None:
    ports = ScriptedPorts()
    ports.rails.volts = lambda name, on_ms, off_ms: (
        mv if name == rail and on_ms is not None and on_ms >= 20 else healthy(name, on_ms, off_ms)
    )
    power = power_of(ports)
    power_cycle.energise(power)
    assert power.trip["kind"] == "over-voltage"
    assert power.trip["rail"] == rail
    assert ports.lines.on_since is None
    assert ports.lines.off_since - ports.lines.powers_on[0] <= 30


def test_inrush_above_the_trip_is_ignored_while_the_rails_rise() -> None:
    ports = ScriptedPorts()
    ports.rails.current = lambda on_ms: 400 if on_ms is not None and on_ms < 30 else 40
    power = power_of(ports)
    power_cycle.energise(power)
    assert power.trip is None


@pytest.mark.parametrize(("bplus_mv", "within_ms"), [(1_500, 30), (500, 160)])
def test_current_at_the_limit_with_flat_rails_is_a_short_at_once(bplus_mv: int, within_ms: int) -> None:
    # An input that reads nothing may be behind a wire that is off: what fills capacitors has its time then.
    ports = ScriptedPorts()
    ports.rails.volts = lambda name, on_ms, off_ms: bplus_mv if name == "bplus" and on_ms is not None else 0
    ports.rails.current = lambda on_ms: 150 if on_ms is not None else 0
    power = power_of(ports)
    power_cycle.energise(power)
    assert power.trip["kind"] == "short"
    assert power.trip["rail"] == "bplus"
    assert ports.lines.off_since - ports.lines.powers_on[0] <= within_ms


def test_a_short_behind_a_good_12_v_rail_names_3v3() -> None:
    ports = ScriptedPorts()
    ports.rails.volts = lambda name, on_ms, off_ms: 0 if name in ("v3v3", "vcap") else healthy(name, on_ms, off_ms)
    ports.rails.current = lambda on_ms: 150 if on_ms is not None else 0
    power = power_of(ports)
    power_cycle.energise(power)
    assert (power.trip["kind"], power.trip["rail"]) == ("short", "v3v3")


def test_a_supply_that_ramps_for_seconds_is_not_taken_for_settled() -> None:
    ports = ScriptedPorts()
    ports.rails.volts = lambda name, on_ms, off_ms: (
        0 if on_ms is None or name != "bplus" else min(18_000, 18_000 * on_ms // 8000)
    )
    rails = power_cycle.energise(power_of(ports))
    assert rails["bplus"]["mv"] > 1000


def test_a_brown_out_during_long_work_cuts_and_says_so() -> None:
    ports = ScriptedPorts()
    power = power_of(ports)
    power_cycle.energise(power)
    ports.rails.volts = lambda name, on_ms, off_ms: 2500 if name == "v3v3" else GOOD_MV[name]
    with pytest.raises(PowerError) as raised:
        power.check()
    assert raised.value.kind == "brown-out"
    assert ports.lines.on_since is None


def test_the_longest_time_powered_is_kept() -> None:
    ports = ScriptedPorts()
    power = power_of(ports)
    power_cycle.energise(power)
    ports.clock.sleep_ms(180_001)
    with pytest.raises(PowerError) as raised:
        power.check()
    assert raised.value.kind == "max-time"


def test_off_is_proven_and_then_kept_for_a_while() -> None:
    ports = ScriptedPorts()
    power = power_of(ports)
    power_cycle.energise(power)
    cut_at = ports.clock.now_ms
    power_cycle.off(power)
    assert all(ports.rails.read_mv(name) < 300 for name in ports.rails.names)
    assert ports.clock.now_ms - cut_at >= 100


def test_a_unit_that_does_not_discharge_is_no_proof_of_off() -> None:
    ports = ScriptedPorts()
    power = power_of(ports)
    power_cycle.energise(power)
    ports.rails.volts = lambda name, on_ms, off_ms: 900
    with pytest.raises(PowerError) as raised:
        power_cycle.off(power)
    assert raised.value.kind == "no_discharge"


def test_no_more_than_five_power_cycles_a_minute() -> None:
    ports = ScriptedPorts()
    power = power_of(ports)
    for _ in range(6):
        power_cycle.energise(power)
        power_cycle.off(power)
    assert ports.lines.powers_on[5] - ports.lines.powers_on[0] >= 60_000


def test_reset_stays_held_through_a_power_cycle_under_reset() -> None:
    ports = ScriptedPorts()
    power = power_of(ports)
    power_cycle.energise(power)
    ports.lines.nrst(True)
    power_cycle.cycle(power)
    assert ports.lines.nrst_is_low
    assert power.is_on


def test_lines_may_be_driven_only_with_a_steady_3v3() -> None:
    ports = ScriptedPorts()
    power = power_of(ports)
    assert not power.vtref_steady()
    power_cycle.energise(power)
    assert power.vtref_steady()
    ports.rails.volts = lambda name, on_ms, off_ms: 3300 + ports.clock.now_ms % 4 * 100
    assert not power.vtref_steady()
