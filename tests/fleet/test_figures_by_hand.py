"""Each figure against a table that was made, and worked out, by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest

from bmsrescue.fleet import figures, ledger
from bmsrescue.fleet.figures import wilson
from bmsrescue.fleet.records.projection import project
from bmsrescue.fleet.records.taking import IMPORT, LineTaker
from bmsrescue.fleet.store import Store
from bmsrescue.fleet.trends import Trend, rail_trends
from bmsrescue.fleet.web.rendering import templates
from rescuelink.seal import line_hash
from sealed_records import chain, sample

_TODAY = datetime(2026, 3, 10, 12, tzinfo=UTC)

# day before today, unit, outcome, cause, 3.3 V in the proof
_TABLE = (
    (100, "A", "NOT_FIRMWARE", "no-vcap", 3300),
    (40, "B", "RECOVERED", "update-cut", 3301),
    (20, "A", "RECOVERED", "update-cut", 3302),
    (19, "B", "NO_FAULT_FOUND", "healthy", 3303),
    (18, "C", "RECOVERED", "update-cut", 3304),
    (17, "D", "TOOL_ERROR", "not-examined", 9000),
    (16, "D", "UNSAFE", "short-3v3", 3305),
    (15, "E", "CHECK_WIRES", "swd-wires", 9001),
    (14, "E", "RECOVERED_CHECK_CONFIG", "rdp1", 3306),
    (13, "F", "INTERRUPTED", "not-examined", 3307),
    (12, "F", "RECOVERED", "update-cut", 3308),
    (11, "G", "UNSAFE", "short-3v3", 9002),  # taken out in work
    (10, "G", "NO_FAULT_FOUND", "healthy", 3309),
    (9, "C", "RECOVERED", "blank", 3310),
    (8, "H", "ABORTED", "not-examined", 9003),
)
_SINCE = _TODAY - timedelta(days=30)


@pytest.fixture
def table(store: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    template = sample()
    previous = ""
    with store.write() as session:
        bench = ledger.own_site(session)
    for number, (days, unit, outcome, cause, mv) in enumerate(_TABLE, 1):
        moment = _TODAY - timedelta(days=days)
        monkeypatch.setattr(ledger, "now", lambda moment=moment: moment)
        rails = {"proof": {"v3v3": {"mv": mv}}}
        more: dict[str, Any] = {
            "unit": {"uid": unit * 24},
            "diagnosis": template["diagnosis"] | {"cause": cause},
            "outcome": outcome,
            "rails": rails,
            "evidence": {"expected": {"rails": {"v3v3": [3200, 3400]}}},
        }
        (line,) = chain("h1", 1, first=number, previous=previous, **more)
        previous = line_hash(line)
        with store.write() as session:
            LineTaker("card", IMPORT).take(session, bench, [line])
            if mv == 9002:
                out = ledger.News(ledger.TAKEN_OUT, {"helper": "h1", "sequence": number, "sha256": previous})
                project(session, ledger.append(session, bench, [out]))
    monkeypatch.setattr(ledger, "now", lambda: _TODAY)
    return store


def test_first_pass_is_of_the_unit_and_not_of_the_window(table: Store) -> None:
    # For the first time in the last 30 days: C (well), D (its first is the UNSAFE: a fault of the tool is no attempt),
    # E (its first is the CHECK_CONFIG), F (interrupted), G (the one taken out is none; then nothing found).
    # A and B came before, H never had an attempt that counts.
    with table.read() as session:
        recent, ever = figures.first_pass(session, _SINCE), figures.first_pass(session)
    assert (recent.count, recent.total) == (3, 5)  # C, E, G of C, D, E, F, G
    assert (ever.count, ever.total) == (4, 7)  # and B well, A not


def test_nothing_wrong_and_never_examined_are_no_causes(table: Store) -> None:
    with table.read() as session:
        bars = figures.pareto(session, _SINCE)
        mostly = figures.by_firmware(session, _SINCE)
    # update-cut: A, C, F. One each: short-3v3 (D), rdp1 (E), blank (C).
    assert [(bar.cause, bar.count) for bar in bars] == [("update-cut", 3), ("blank", 1), ("rdp1", 1), ("short-3v3", 1)]
    assert [round(bar.share, 4) for bar in bars] == [0.5, 0.1667, 0.1667, 0.1667]
    assert [round(bar.cumulative, 4) for bar in bars] == [0.5, 0.6667, 0.8333, 1.0]
    # Nine attempts count: A, B, C, D, E, F twice, G, C again; well: all but D's and F's first.
    assert [(one.cause, one.cause_count, one.ended_well.count, one.ended_well.total) for one in mostly] == [
        ("update-cut", 3, 7, 9)
    ]


def test_no_fault_found_and_units_that_came_back(table: Store) -> None:
    with table.read() as session:
        nothing = figures.no_fault_found(session, _SINCE)
        back, ever = figures.bounced(session, _SINCE), figures.bounced(session)
    assert (nothing.count, nothing.total) == (2, 9)  # B and G
    # Well in the last 30 days: A, B, C, E, F, G, and C again. Here again after that: C once.
    assert (back.count, back.total) == (1, 7)
    # Ever: the same seven; B was well 40 days ago and came back after 21 days, too.
    assert (ever.count, ever.total) == (2, 8)


def test_attempts_that_do_not_count_are_in_no_mean(table: Store) -> None:
    # In the last 30 days nine values: 3302 to 3310; those from 9000 on are of attempts that do not count.
    with table.read() as session:
        (spread,) = figures.rail_spreads(session, "proof", _SINCE)
        (trend,) = rail_trends(session, "h1")
    assert (spread.count, spread.mean, spread.low, spread.high, spread.failed) == (9, 3306.0, 3302, 3310, 0)
    # All eleven that count, in their order.
    assert trend.values == [3300, 3301, 3302, 3303, 3304, 3305, 3306, 3307, 3308, 3309, 3310]
    # s of eleven steps of 1: sqrt(110 / 10) = 3.3166; the mean is 3305, the nearer limit 3400 is 95 away.
    assert trend.ppk == pytest.approx(95 / (3 * 3.31662), rel=1e-4)
    # Ten moving ranges of 1, over 1.128.
    assert trend.cpk == pytest.approx(95 / (3 * 1 / 1.128), rel=1e-4)


def test_a_station_outside_its_limits_has_a_capability_below_nothing() -> None:
    # Mean 3500, s 10; 100 above the upper limit.
    assert Trend("v3v3", [3490, 3500, 3510], 3500.0, 10.0, 3200, 3400).ppk == pytest.approx(-100 / 30)
    assert Trend("v3v3", [3490, 3500, 3510], 3500.0, 10.0, 3200, 3400).cpk == pytest.approx(-100 / (3 * 10 / 1.128))
    assert Trend("v3v3", [3290, 3300, 3310], 3300.0, 10.0, 3240, 3450).ppk == 2.0, "the nearer of both"
    assert Trend("v3v3", [3290, 3300, 3310], 3300.0, 10.0, None, 3330).ppk == 1.0
    assert Trend("v3v3", [3290, 3300, 3310], 3300.0, 10.0, None, None).ppk is None


@pytest.mark.parametrize(
    ("share", "said"),
    [(0.0, "0 %"), (1.0, "100 %"), (0.5, "50.0 %"), (0.996, "99.6 %"), (0.9996, "> 99.9 %"), (0.0004, "< 0.1 %")],
)
def test_a_share_reads_as_none_or_all_only_where_it_is(share: float, said: str) -> None:
    shown = templates.env.from_string("{{ share | percent }}")
    assert unescape(shown.render(share=share, language="en")) == said
    assert unescape(shown.render(share=share, language="de")) == said.replace(".", ",")


def test_an_interval_ends_at_none_and_at_all() -> None:
    for total in range(1, 100):
        assert (wilson(0, total).low, wilson(total, total).high) == (0.0, 1.0), "not at 99.9 %, by a rounded root"
