"""Where an attempt's rails lie in their limits, and how a station's rails go from attempt to attempt."""

from __future__ import annotations

from bmsrescue.fleet import ledger
from bmsrescue.fleet.models import Measurement
from bmsrescue.fleet.records.taking import IMPORT, LineTaker
from bmsrescue.fleet.store import Store
from bmsrescue.fleet.trends import rail_trends
from bmsrescue.fleet.web.pages import _in_order
from bmsrescue.fleet.web.rail_marks import WIDTH, rail_marks
from sealed_records import chain, sample


def measured(mv: int, low: int | None = 3000, high: int | None = 3600) -> Measurement:
    return Measurement(
        rail="v3v3",
        phase="on",
        mv=mv,
        min_mv=mv - 60,
        max_mv=mv + 60,
        limit_low=low,
        limit_high=high,
        uncertainty=53,
        verdict="pass",
    )


def test_a_value_in_the_middle_of_its_limits_lies_in_the_middle_of_the_picture() -> None:
    (mark,) = rail_marks([measured(3300)])
    assert (mark.mean, mark.limit_low + mark.limit_high) == (WIDTH / 2, WIDTH)
    assert mark.limit_low < mark.lowest < mark.mean < mark.highest < mark.limit_high


def test_a_value_far_outside_lies_at_the_edge_and_one_without_a_window_is_left_out() -> None:
    (mark,) = rail_marks([measured(9000), measured(5, low=None), measured(5, high=None)])
    assert (mark.lowest, mark.mean, mark.highest) == (WIDTH, WIDTH, WIDTH)


def test_a_stations_rails_come_in_the_order_of_its_attempts(store: Store) -> None:
    lines: list[str] = []
    for sequence, mv in enumerate((3290, 3300, 3310), 1):
        rails = sample()["rails"]
        rails["proof"]["v3v3"]["mv"] = mv
        lines += chain("h1", 1, first=sequence, rails=rails)
    with store.write() as session:
        LineTaker("card", IMPORT).take(session, ledger.own_site(session), [*lines, *chain("h2", 1)])
    with store.read() as session:
        trend = next(one for one in rail_trends(session, "h1") if one.rail == "v3v3")
        assert rail_trends(session, "h2") == [], "one value is no trend"
    assert (trend.values, trend.mean, trend.deviation) == ([3290, 3300, 3310], 3300, 10)
    assert trend.plot["upper"] == 3330


def test_the_wall_is_in_the_order_that_a_person_counts_in() -> None:
    assert sorted(["bench-10", "bench-2", "bench-1", "annex"], key=_in_order) == [
        "annex",
        "bench-1",
        "bench-2",
        "bench-10",
    ]
