"""The line's figures against a table that was made, and worked out, by hand; and the views that show them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pytest
from sqlalchemy import select, update

from bmsrescue.errors import UsageError
from bmsrescue.fleet import ledger
from bmsrescue.fleet.accounts import Person
from bmsrescue.fleet.line import figures
from bmsrescue.fleet.line.clock import Clock
from bmsrescue.fleet.line.filters import Filters
from bmsrescue.fleet.line.listing import listing
from bmsrescue.fleet.models import Attempt, Unit
from bmsrescue.fleet.records.rollups import count_anew
from bmsrescue.fleet.records.taking import IMPORT, LineTaker
from bmsrescue.fleet.stations.settings import read_settings
from bmsrescue.fleet.store import Store, sqlite_url
from bmsrescue.fleet.unit_life import UnitLives
from postgres_server import PostgresServer
from rescuelink.seal import line_hash
from sealed_records import chain, sample

CLOCK = Clock()
OTTO = Person("otto", "operator")
_DAY = datetime(2026, 3, 10, tzinfo=UTC)

# moment on that day, station, operator, unit, outcome, seconds, ms of the step "act"
_TABLE = (
    ("08:10:00", "one", "otto", "A", "RECOVERED", 60, 1000),
    ("08:15:00", "one", "otto", "B", "NOT_FIRMWARE", 120, 2000),  # began 08:13:00: 180 s of waiting
    ("08:50:00", "one", "otto", "B", "RECOVERED", 60, 3000),  # began 08:49:00: 34 min, a break
    ("09:00:00", "one", "rita", "C", "TOOL_ERROR", 300, 9000),  # began 08:55:00: 300 s of waiting
    ("09:05:00", "two", "rita", "D", "NO_FAULT_FOUND", 30, 4000),
    ("14:00:00", "two", "rita", "E", "RECOVERED", 90, 5000),  # the next shift
    ("14:02:00", "two", "", "F", "UNSAFE", 60, 6000),  # began 14:01:00: 60 s of waiting
)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def line(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """The table in a store of each kind, made once: the tests add nothing but cards to it."""
    if request.param == "sqlite":
        url = sqlite_url(tmp_path_factory.mktemp("line"))
    else:
        server: PostgresServer = request.getfixturevalue("postgres")
        with psycopg.connect(server.url(), autocommit=True) as connection:
            connection.execute("CREATE DATABASE line_by_hand")
        url = server.url("line_by_hand")
    store = Store.open(url)
    with pytest.MonkeyPatch.context() as patched:
        fill(store, patched)
    yield store
    store.close()


def fill(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    template = sample()
    previous = ""
    with store.write() as session:
        bench = ledger.own_site(session)
    for number, (moment, station, operator, unit, outcome, seconds, act_ms) in enumerate(_TABLE, 1):
        at = datetime.combine(_DAY.date(), datetime.strptime(moment, "%H:%M:%S").time(), UTC)
        monkeypatch.setattr(ledger, "now", lambda at=at: at)
        more: dict[str, Any] = {
            "unit": template["unit"] | {"uid": unit * 24},
            "outcome": outcome,
            "virtual_ms": seconds * 1000,
            "steps": [{"name": "act", "ms": act_ms, "outcome": "ok"}],
            "diagnosis": template["diagnosis"] | {"cause": "blank"},
        }
        (text,) = chain("h1", 1, first=number, previous=previous, **more)
        previous = line_hash(text)
        with store.write() as session:
            LineTaker("card", IMPORT).take(session, bench, [text])
            where = {"station": station, "operator": operator or None, "time_source": "bench"}
            session.execute(update(Attempt).where(Attempt.sequence == number).values(**where))
            count_anew(session)


def filters(**more: Any) -> Filters:
    return replace(Filters(_DAY.date(), _DAY.date()), **more)


def test_units_an_hour_and_a_shift(line: Store) -> None:
    with line.read() as session:
        hours = figures.hours(session, filters(), CLOCK)
        well_only = figures.hours(session, filters(ended="well"), CLOCK)
    # 8: A, B, B. 9: D; the fault of the tool says nothing of C. 14: E and F.
    assert [(one.begin.hour, one.well, one.counted) for one in hours] == [(8, 2, 3), (9, 1, 1), (14, 1, 2)]
    rate = figures.rate_of(hours)
    assert (rate.well, rate.counted, rate.hours) == (4, 6, 3)
    assert rate.an_hour == pytest.approx(4 / 3)
    shifts = figures.shifts(hours, CLOCK)
    assert [(one.name, one.rate.well, one.rate.counted, one.rate.hours) for one in shifts] == [
        ("14:00 to 22:00", 1, 2, 1),
        ("06:00 to 14:00", 3, 4, 2),
    ]
    assert [one.counted for one in well_only] == [2, 1, 1]
    assert figures.rate_of([]).an_hour is None


def test_a_night_shift_belongs_to_the_day_on_which_it_began_in_the_sites_own_zone() -> None:
    berlin = Clock("Europe/Berlin")
    assert berlin.shift_of(datetime(2026, 3, 10, 4, 30, tzinfo=UTC)) == (date(2026, 3, 9), "22:00 to 06:00")  # 05:30
    assert berlin.shift_of(datetime(2026, 3, 10, 5, 0, tzinfo=UTC)) == (date(2026, 3, 10), "06:00 to 14:00")
    # Summer time: 22:00 there is 20:00 UTC, and the day begins at 22:00 UTC of the day before.
    assert berlin.shift_of(datetime(2026, 7, 1, 20, 0, tzinfo=UTC)) == (date(2026, 7, 1), "22:00 to 06:00")
    first, last = Filters(date(2026, 3, 29), date(2026, 3, 29)).moments(berlin)
    assert last - first == timedelta(hours=23), "the day on which the clock goes forward"


def test_time_by_step_with_its_spread(line: Store) -> None:
    with line.read() as session:
        ((act,), none) = figures.step_times(session, filters(cause="blank"), CLOCK)
        ((of_all,), job) = figures.step_times(session, filters(), CLOCK)
    # Of all that is kept is a count for each bucket of an eighth of an octave.
    assert (of_all.name, of_all.count) == ("act", 6)
    assert (of_all.low, of_all.middle, of_all.high) == pytest.approx((1500, 3500, 5500), rel=0.05)
    # Six jobs of 30 to 120 s: the middle one between 60 and 60.
    assert none is None
    assert job is not None and (job.count, job.middle) == (6, pytest.approx(60_000, rel=0.05))
    # 1 to 6 s (the 9 s are of the fault of the tool). Type 7: 10 % lies at 1 + 0.1 * 5 = 1.5, 90 % at 5.5.
    assert (act.name, act.count, act.low, act.middle, act.high) == ("act", 6, 1500, 3500, 5500)
    assert figures.spread([7]) == (7, 7, 7)


def test_waiting_for_a_person_is_told_from_working_and_from_breaks(line: Store) -> None:
    with line.read() as session:
        one, two = figures.station_times(session, filters(), CLOCK)
    assert (one.station, one.attempts, one.working_s, one.waiting_s) == ("one", 4, 540.0, 480.0)
    assert one.working_share == pytest.approx(540 / 1020)
    assert (two.station, two.attempts, two.working_s, two.waiting_s) == ("two", 3, 180.0, 60.0)


def test_yield_by_what_attempts_have_in_common_with_confidence(line: Store) -> None:
    with line.read() as session:
        by_station = figures.groups(session, filters(), CLOCK, "station")
        by_operator = figures.groups(session, filters(), CLOCK, "operator")
    total = figures.totals(by_station)
    assert [(one.value, one.ended_well.count, one.ended_well.total) for one in by_station] == [
        ("one", 2, 3),
        ("two", 2, 3),
    ]
    # First attempts ever: A well, B not at station one (its second is none); D and E well, F not at station two.
    assert [(one.first_pass.count, one.first_pass.total) for one in by_station] == [(1, 2), (2, 3)]
    # Wilson for 2 of 3: 20.8 % to 93.9 %.
    assert (round(by_station[0].ended_well.low, 3), round(by_station[0].ended_well.high, 3)) == (0.208, 0.939)
    assert [(one.value, one.ended_well.count, one.ended_well.total) for one in by_operator] == [
        ("otto", 2, 3),
        ("rita", 2, 2),
        ("", 0, 1),
    ]
    assert (total.ended_well.count, total.ended_well.total, total.first_pass.count, total.first_pass.total) == (
        4,
        6,
        3,
        5,
    )
    assert total.mean_s == pytest.approx((60 + 120 + 60 + 30 + 90 + 60) / 6)


def test_lot_and_customer_come_from_what_people_wrote_and_hold_for_attempts_before(line: Store) -> None:
    with line.read() as session:
        bench = ledger.own_site(session)
        numbers = {unit.uid: unit.id for unit in session.scalars(select(Unit))}
    lives = UnitLives(line, bench)
    lives.set_card(numbers["A" * 24], {"lot": "L7", "customer": "Sun & Co"}, OTTO)
    lives.set_card(numbers["B" * 24], {"lot": "L7"}, OTTO)
    with line.read() as session:
        lots = figures.groups(session, filters(), CLOCK, "lot")
        customers = figures.groups(session, filters(customer="Sun & Co"), CLOCK, "lot")
        nobodys = figures.groups(session, filters(lot="-"), CLOCK, "station")
    assert [(one.value, one.ended_well.count, one.ended_well.total) for one in lots] == [("", 2, 3), ("L7", 2, 3)]
    assert [(one.value, one.ended_well.total) for one in customers] == [("L7", 1)]
    assert [(one.value, one.ended_well.total) for one in nobodys] == [("two", 3)]


def test_the_attempts_behind_a_figure_and_the_range_before(line: Store) -> None:
    with line.read() as session:
        not_well = listing(session, filters(ended="not"), CLOCK)
        slowest = listing(session, filters(), CLOCK, "duration")
        of_hour = listing(session, filters(hour="14"), CLOCK)
        everything = listing(session, filters(counted=False), CLOCK)
        before = listing(session, Filters(date(2026, 3, 11), date(2026, 3, 11)).before(), CLOCK)
    assert [one.sequence for one in not_well.attempts] == [7, 2]
    assert [one.sequence for one in slowest.attempts][:2] == [2, 6]
    assert [one.sequence for one in of_hour.attempts] == [7, 6]
    assert (everything.total, before.total, before.pages) == (7, 6, 1)
    week = Filters(date(2026, 3, 8), date(2026, 3, 14)).before()
    assert (week.first, week.last) == (date(2026, 3, 1), date(2026, 3, 7))


@pytest.mark.parametrize(
    "table",
    [{"time_zone": "Mars/Olympus"}, {"shifts": ["22:00", "06:00"]}, {"shifts": ["06:30"]}, {"shifts": []}],
)
def test_a_zone_or_shifts_that_make_no_sense_are_refused(table: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=r"stations\.(time_zone|shifts)"):
        read_settings(table)
