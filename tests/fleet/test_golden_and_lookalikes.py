"""A unit beside good ones, and what cured units like it: against tables made by hand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from bmsrescue.fleet import ledger
from bmsrescue.fleet.accounts import Person
from bmsrescue.fleet.golden import FEWEST, golden_of
from bmsrescue.fleet.lookalikes import lookalikes_of
from bmsrescue.fleet.models import Attempt
from bmsrescue.fleet.power_up import curves_in
from bmsrescue.fleet.records.taking import IMPORT, LineTaker
from bmsrescue.fleet.store import Store, sqlite_url
from bmsrescue.fleet.unit_life import UnitLives
from rescuelink.seal import line_hash
from sealed_records import chain, sample

OTTO = Person("otto", "operator")


class Table:
    """Records one by one, an hour apart."""

    def __init__(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        self.store = store
        self.patch = monkeypatch
        self.number = 0
        self.previous = ""
        self.now = ledger.now()
        with store.write() as session:
            self.bench = ledger.own_site(session)

    def add(self, unit: int, outcome: str, cause: str, v3v3: int = 3300, rise: int = 240, **more: Any) -> None:
        self.number += 1
        self.now += timedelta(hours=1)
        self.patch.setattr(ledger, "now", lambda at=self.now: at)
        record = {
            "unit": sample()["unit"] | {"uid": f"{unit:024X}"},
            "diagnosis": sample()["diagnosis"] | {"cause": cause},
            "outcome": outcome,
            "rails": {"on": {"v3v3": {"mv": v3v3}}},
            "steps": [{"name": "energise", "ms": rise, "outcome": "ok"}],
        }
        (line,) = chain("h1", 1, first=self.number, previous=self.previous, **(record | more))
        self.previous = line_hash(line)
        with self.store.write() as session:
            LineTaker("card", IMPORT).take(session, self.bench, [line])

    def newest(self, session: Session) -> Attempt:
        return session.scalars(select(Attempt).order_by(Attempt.id.desc()).limit(1)).one()


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Table]:
    store = Store.open(sqlite_url(tmp_path))
    yield Table(store, monkeypatch)
    store.close()


def test_a_value_outside_of_all_good_units_is_a_finding_with_its_count(table: Table) -> None:
    for unit in range(1, FEWEST):  # 3291 to 3309 mV, 221 to 239 ms
        table.add(unit, "NO_FAULT_FOUND", "healthy", 3290 + unit, 220 + unit)
    table.add(100, "NOT_FIRMWARE", "no-vcap", 3300, 280)
    with table.store.read() as session:
        few = golden_of(session, table.newest(session))
    assert (few.count, few.bands) == (FEWEST - 1, []), "of fewer than 20 nothing is concluded"
    table.add(20, "NO_FAULT_FOUND", "healthy", 3310, 240)
    table.add(20, "NO_FAULT_FOUND", "healthy", 3310, 240)  # the same unit again is no other
    table.add(101, "RECOVERED", "blank", 2000, 999)  # before its cure it was no good unit
    table.add(100, "NOT_FIRMWARE", "no-vcap", 3200, 280)
    with table.store.read() as session:
        found = golden_of(session, table.newest(session))
    rise, rail = found.bands
    assert (rail.rail, rail.low, rail.middle, rail.high, rail.count, rail.value) == (
        "v3v3",
        3291,
        3300.5,
        3310,
        20,
        3200,
    )
    assert (rise.value - rise.high, rise.odd) == (40, "high"), "40 ms later than any good unit"
    # U of 3.3 V is 53 mV: 3200 + 51 stays below 3291; 3250 would not.
    assert rail.odd == "low"
    assert found.odd == [rise, rail]
    table.add(100, "NOT_FIRMWARE", "no-vcap", 3250, 230)
    with table.store.read() as session:
        assert golden_of(session, table.newest(session)).odd == []


def test_what_cured_units_like_this_one_is_ranked_by_what_the_counts_bear_out(table: Table) -> None:
    lives = UnitLives(table.store, table.bench)
    for unit in (1, 2, 3, 4):
        table.add(unit, "NOT_FIRMWARE", "no-vcap", next_step="Check the inductor.")
        lives.note(unit, "replaced the inductor" if unit < 4 else "cleaned the contacts", OTTO)
        table.add(unit, "RECOVERED" if unit < 3 else "NOT_FIRMWARE", "blank" if unit < 3 else "no-vcap")
    table.add(5, "NOT_FIRMWARE", "no-vcap", next_step="Check the inductor.")  # has not come again
    table.add(6, "NOT_FIRMWARE", "held-in-reset")  # looks otherwise
    table.add(7, "NOT_FIRMWARE", "no-vcap")
    with table.store.read() as session:
        found = lookalikes_of(session, table.newest(session))
    # Alike: the first of 1 to 4, the second of 3 and 4, and that of 5. Again came the first four; well: 1 and 2.
    assert (found.alike, found.again.count, found.again.total) == (7, 2, 4)
    assert [(step.kind, step.text, step.cured.count, step.cured.total) for step in found.steps] == [
        ("said", "replaced the inductor", 2, 3),
        ("advised", "Check the inductor.", 2, 4),
        ("said", "cleaned the contacts", 0, 1),
    ]


def rising(up_ms: int, top_mv: int = 3300, rail: str = "v3v3") -> dict[str, Any]:
    """A rail that is up after so long, as a record has it: looked at every 4 ms, each number the step from before."""
    looks = [4 * number for number in range(1, 25)]
    levels = [min(top_mv, top_mv * ms // up_ms) // 10 for ms in looks]
    steps = [levels[0], *(after - before for before, after in pairwise(levels))]
    return {"rails": {"curve": {"ms": [4] * 24, "rails": {rail: steps}}}}


def test_a_rail_that_rises_later_than_in_any_good_unit_is_named_with_what_it_rests_on(table: Table) -> None:
    for unit in range(1, FEWEST + 1):  # nine tenths of 20 to 29 ms: seen up at 20 to 28 ms
        table.add(unit, "NO_FAULT_FOUND", "healthy", evidence=rising(20 + unit % 10))
    table.add(50, "RECOVERED", "blank", evidence=rising(4))  # it was broken: no good unit
    table.add(100, "NOT_FIRMWARE", "no-vcap", evidence=rising(75))
    with table.store.read() as session:
        (found,) = golden_of(session, table.newest(session)).power_up
    # Nine tenths of 75 ms are 67.5 ms: seen at 68 ms.
    assert (found.rail, found.count, found.level_mv, found.rise) == ("v3v3", FEWEST, 2970, 68)
    assert (found.earliest, found.latest) == (20, 28)
    assert (found.odd, found.by_ms) == ("later", 40)
    # The band at 24 ms: from 24/29 of 3.3 V on up to all of it.
    band = dict(found.lowest)[24.0], dict(found.highest)[24.0]
    assert band == (2730, 3300)
    for up_ms, odd in ((26, ""), (31, ""), (2, "sooner")):
        table.add(100, "NOT_FIRMWARE", "no-vcap", evidence=rising(up_ms))
        with table.store.read() as session:
            (found,) = golden_of(session, table.newest(session)).power_up
        assert found.odd == odd, up_ms
    table.add(100, "NOT_FIRMWARE", "no-vcap", evidence=rising(20, 2900))
    with table.store.read() as session:
        (found,) = golden_of(session, table.newest(session)).power_up
    assert (found.odd, found.rise) == ("never", None)


@pytest.mark.parametrize(
    "curve",
    [
        {"ms": [4, 4], "rails": {"v3v3": [1]}},
        {"ms": [4, 0], "rails": {"v3v3": [1, 1]}},
        {"ms": [-4, 9], "rails": {"v3v3": [1, 1]}},
        {"ms": [4, True], "rails": {"v3v3": [1, 1]}},
        {"ms": [4] * 65, "rails": {"v3v3": [1] * 65}},
        {"ms": [2**52], "rails": {"v3v3": [1]}},
        {"ms": [4], "rails": {"v3v3": [10**9], "": [1]}},
        {"ms": "4", "rails": []},
        [],
    ],
)
def test_a_curve_that_makes_no_sense_is_none(curve: object) -> None:
    assert curves_in({"evidence": {"rails": {"curve": curve}}}) == {}
