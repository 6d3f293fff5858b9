"""The rails rise, sag and decay as docs/reference/unit.md computes it."""

import pytest
from board_bench import RailBench

from bmsrescue.twin.board.faults import Backfeed, Dip
from bmsrescue.twin.board.parts import RAILS


def energised(**faults: object) -> RailBench:
    bench = RailBench(**faults)
    bench.rails.switch_supply(True)
    bench.run_ms(400)
    return bench


def test_the_inrush_of_the_input_capacitor_takes_charge_over_current() -> None:
    bench = RailBench()
    bench.rails.switch_supply(True)
    # 470 uF at 150 mA: 15 V after 47 ms, and in a straight line (unit.md#inrush: 56 ms to 18 V without load).
    assert bench.ms_until(lambda: bench.volts("bplus") >= 7.5, 100) == pytest.approx(23.5, abs=1.5)
    assert bench.ms_until(lambda: bench.volts("bplus") >= 15.0, 100) == pytest.approx(23.5, abs=1.5)
    assert bench.rails.supply_a == pytest.approx(0.150)
    assert bench.rails.peak_supply_a == pytest.approx(0.150)


def test_no_rail_moves_before_the_converter_has_its_fifteen_volts() -> None:
    bench = RailBench()
    bench.rails.switch_supply(True)
    bench.ms_until(lambda: bench.volts("bplus") >= 14.5, 100)
    assert bench.volts("v12") == 0.0


def test_every_rail_is_in_its_window_within_the_settling_times() -> None:
    bench = RailBench()
    bench.rails.switch_supply(True)
    bench.run_ms(47 + 50 + 50)
    assert bench.volts("bplus") == pytest.approx(18.0, abs=0.1)
    assert bench.volts("v12") == pytest.approx(12.0, abs=0.1)
    assert 4.5 <= bench.volts("v5iso") <= 5.5
    assert bench.volts("v3v3") == pytest.approx(3.3, abs=0.02)
    assert bench.volts("vcap") == pytest.approx(1.0, abs=0.02)


def test_a_half_on_unit_draws_what_the_notes_say() -> None:
    assert 0.020 <= energised().rails.supply_a <= 0.060


def test_the_isolated_rail_climbs_towards_six_volts_without_a_load() -> None:
    bench = RailBench()
    rails = bench.rails
    loaded = rails._demand

    def unloaded() -> object:
        demand = loaded()
        return type(demand)(demand.v12_enabled, demand.v3v3_a, 0.0, demand.vcap_v)

    rails._demand = unloaded  # type: ignore[assignment]
    rails.switch_supply(True)
    bench.run_ms(300)
    assert 5.5 < bench.volts("v5iso") <= 6.1


def test_power_off_is_proven_in_under_two_seconds_and_everything_reaches_zero() -> None:
    bench = energised()
    bench.rails.switch_supply(False)
    off_ms = bench.ms_until(lambda: all(bench.volts(rail) < 0.3 for rail in RAILS), 4000)
    assert 1500 <= off_ms <= 2000
    bench.run_ms(4000)
    assert all(bench.volts(rail) < 0.003 for rail in RAILS)


def test_settled_rails_cost_no_steps() -> None:
    bench = energised()
    assert bench.rails.settled
    before = bench.steps
    bench.run_ms(3_600_000)
    assert bench.steps == before


def test_a_short_on_3v3_doubles_the_current_and_holds_the_rail_down() -> None:
    healthy_a = energised().rails.supply_a
    bench = energised(shorts_ohm={"v3v3": 0.5})
    assert bench.volts("v12") > 10.8
    assert bench.volts("v3v3") < 1.0
    assert bench.rails.supply_a > 2 * healthy_a


def test_a_short_on_12v_holds_it_down_while_b_plus_stays() -> None:
    bench = energised(shorts_ohm={"v12": 0.3})
    assert bench.volts("v12") < 1.0
    assert bench.volts("bplus") > 15.0
    assert bench.volts("v3v3") < 0.1


def test_a_short_that_asks_more_than_the_supply_gives_makes_the_converter_hiccup() -> None:
    bench = energised(shorts_ohm={"v12": 1.0})
    seen = []
    for _ in range(200):
        bench.run_ms(1)
        seen.append(bench.volts("bplus"))
    assert bench.rails.supply_a == pytest.approx(0.150)
    assert min(seen) < 13.2 < 14.9 < max(seen)


def test_a_short_at_the_input_keeps_the_supply_at_its_limit() -> None:
    bench = energised(shorts_ohm={"bplus": 1.0})
    assert bench.rails.supply_a == pytest.approx(0.150)
    assert bench.volts("bplus") == pytest.approx(0.150, abs=0.01)


def test_a_fed_rail_never_falls_below_its_feed() -> None:
    bench = energised(backfeeds={"v3v3": Backfeed(3300, 1000.0)})
    bench.rails.switch_supply(False)
    bench.run_ms(5000)
    assert 0.3 < bench.volts("v3v3") < 2.5
    assert bench.volts("bplus") < 0.3


def test_a_reversed_supply_pulls_b_plus_below_ground_at_its_limit() -> None:
    bench = energised(supply_reversed=True)
    assert bench.volts("bplus") < 0.0
    assert bench.volts("v12") == 0.0
    assert bench.rails.supply_a == pytest.approx(0.150)


def test_a_supply_that_is_not_there_gives_nothing() -> None:
    bench = energised(supply_absent=True)
    assert all(bench.volts(rail) == 0.0 for rail in RAILS)
    assert bench.rails.supply_a == 0.0


def test_a_supply_below_the_start_threshold_never_makes_twelve_volts() -> None:
    bench = energised(supply_mv=13_000)
    assert bench.volts("bplus") == pytest.approx(13.0, abs=0.05)
    assert bench.volts("v12") == 0.0


def test_a_slow_ramp_is_slow_and_still_arrives() -> None:
    bench = RailBench(supply_ramp_ms=2000)
    bench.rails.switch_supply(True)
    bench.run_ms(1000)
    assert bench.volts("bplus") == pytest.approx(9.0, abs=0.2)
    bench.run_ms(1500)
    assert bench.volts("v3v3") == pytest.approx(3.3, abs=0.02)


def test_a_wrong_regulator_gives_its_wrong_voltage() -> None:
    assert energised(regulator_mv={"v3v3": 2800}).volts("v3v3") == pytest.approx(2.8, abs=0.02)
    assert energised(regulator_mv={"vcap": 2700}).volts("vcap") == pytest.approx(2.7, abs=0.02)


def test_a_dead_regulator_gives_nothing() -> None:
    bench = energised(open_rails=frozenset({"v3v3"}))
    assert bench.volts("v12") > 10.8
    assert bench.volts("v3v3") == 0.0


def test_a_dip_pulls_its_rail_down_and_lets_it_come_back() -> None:
    bench = energised(dip=Dip("v3v3", 0, 5, 1.0))
    bench.rails.start_dip(True)
    bench.run_ms(5)
    assert bench.volts("v3v3") < 1.6
    bench.rails.start_dip(False)
    bench.run_ms(20)
    assert bench.volts("v3v3") > 3.2


def test_looking_at_a_rail_does_not_change_it() -> None:
    watched, alone = RailBench(), RailBench()
    for bench in (watched, alone):
        bench.rails.switch_supply(True)
    for _ in range(300):
        watched.run_ms(0.25)
        watched.rails.measured_mv("bplus")
    alone.run_ms(75)
    assert [watched.volts(rail) for rail in RAILS] == [alone.volts(rail) for rail in RAILS]


def samples(seed: int) -> list[int]:
    bench = RailBench(seed)
    bench.rails.switch_supply(True)
    readings = []
    for _ in range(100):
        bench.run_ms(2)
        readings += [bench.rails.measured_mv(rail) for rail in RAILS]
    return readings


def test_the_same_seed_gives_the_same_samples() -> None:
    assert samples(7) == samples(7)
    assert samples(7) != samples(8)
