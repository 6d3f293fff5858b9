"""What is kept of attempts by day is what counting them one by one gives, whatever came, in whatever order."""

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bmsrescue.fleet import figures, ledger
from bmsrescue.fleet.accounts import Person
from bmsrescue.fleet.forward import Forwarder
from bmsrescue.fleet.line import figures as line
from bmsrescue.fleet.line.clock import Clock
from bmsrescue.fleet.line.filters import WORDS, Filters
from bmsrescue.fleet.models import (
    Attempt,
    Base,
    Booking,
    Course,
    DayCount,
    LineDay,
    LineHour,
    LineMonth,
    MonthCount,
    RailDay,
    RailMonth,
    StationDay,
    StationMonth,
    StepDay,
    StepMonth,
    Unit,
    UnitCard,
)
from bmsrescue.fleet.records.durations import bucket_of, spread_of
from bmsrescue.fleet.records.projection import project
from bmsrescue.fleet.records.rollups import count_anew
from bmsrescue.fleet.records.taking import BENCH, IMPORT, LineTaker
from bmsrescue.fleet.store import Store, sqlite_url
from bmsrescue.fleet.unit_life import UnitLives
from rescuelink.outcomes import (
    ABORTED,
    CHECK_WIRES,
    EXAMINED,
    NO_FAULT_FOUND,
    RECOVERED,
    RECOVERED_CHECK_CONFIG,
    TOOL_ERROR,
)
from sealed_records import chain

_GOOD = (RECOVERED, RECOVERED_CHECK_CONFIG, NO_FAULT_FOUND)
_NO_VERDICTS = (TOOL_ERROR, CHECK_WIRES, ABORTED, EXAMINED)
_BEGIN = datetime(2026, 2, 26, tzinfo=UTC)  # over the end of a month
_DAYS = 6
_MONTHS: dict[type[Base], type[Base]] = {
    DayCount: MonthCount,
    LineDay: LineMonth,
    StepDay: StepMonth,
    StationDay: StationMonth,
    RailDay: RailMonth,
}
_KEPT: tuple[type[Base], ...] = (DayCount, LineDay, LineHour, StepDay, StationDay, *list(_MONTHS.values())[:-1])
RITA = Person("rita", "operator")


def work(
    store: Store, rng: random.Random, helper: str, numbers: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> str:
    """A few records of a helper into a store, some with a station, an operator and a label; what people say after."""
    at = _BEGIN + timedelta(seconds=rng.randrange(_DAYS * 86_400), milliseconds=rng.randrange(1000))
    monkeypatch.setattr(ledger, "now", lambda: at)
    with store.write() as session:
        bench = ledger.own_site(session)
        for turn in range(rng.randrange(1, 5)):
            at += timedelta(seconds=rng.randrange(10, 1500))
            number = numbers[helper] = numbers.get(helper, 0) + 1
            label = rng.choice([None, f"L{rng.randrange(6)}"])
            station = {"station": rng.choice(["one", "two"]), "operator": rng.choice([None, "rita", "otto"])}
            if rng.random() < 0.8:
                booked = station | {"label": label, "release_id": None, "made_at": at}
                session.add(Booking(helper=helper, helper_id=f"label {helper}", after_sequence=number - 1, **booked))
                session.flush()
            uid = rng.choice([None, f"{rng.randrange(5):024X}"])
            more: dict[str, Any] = {
                "unit": {"uid": uid, "name": rng.choice(["STM32H743", "STM32H725"])},
                "evidence": {"version": {"found": rng.choice(["1.0.9", "1.1.0"])}},
                "steps": [
                    {"name": rng.choice(["rails", "act"]), "ms": rng.randrange(1, 9000), "outcome": "ok"}
                    for _ in range(3)
                ],
                "virtual_ms": rng.randrange(1000, 400_000),
            }
            source = BENCH if rng.random() < 0.9 else IMPORT
            for text in chain(helper, 1, first=number, seed=turn + rng.randrange(100), **more):
                LineTaker("card", source).take(session, bench, [text, text])
            if rng.random() < 0.15:
                out = {"helper": helper, "sequence": rng.randrange(1, number + 1)}
                project(session, ledger.append(session, bench, [ledger.News(ledger.TAKEN_OUT, out)]))
    lives = UnitLives(store, bench)
    with store.read() as session:
        units = list(session.scalars(select(Unit.id)))
    if units:
        said = {name: rng.choice(["", "A", "B"]) for name in rng.sample(["lot", "customer", "model"], 2)}
        lives.set_card(rng.choice(units), said, RITA)
    return bench


def counted(store: Store) -> dict[str, Any]:
    """The plain way, from the attempts: everything by UTC day."""
    with store.read() as session:
        rows = session.execute(
            select(Attempt, Unit.chip, UnitCard, Course.steps)
            .join(Unit, Unit.id == Attempt.unit_id, isouter=True)
            .join(UnitCard, UnitCard.unit_id == Attempt.unit_id, isouter=True)
            .join(Course, Course.attempt_id == Attempt.id)
            .order_by(Attempt.id)
        ).all()
        told = [(row[0], row[1], row[2], row[3]) for row in rows]
    seen: set[int] = set()
    by: dict[str, dict[str, list[int]]] = {name: {} for name in WORDS}
    hours: dict[datetime, list[int]] = {}
    steps: dict[str, list[int]] = {}
    before: dict[tuple[str, str], datetime] = {}
    stations: dict[tuple[str, str], list[int]] = {}
    of_units: dict[int, list[Attempt]] = {}
    for one, chip, card, course in told:
        if one.station is not None and one.time_source == "bench":
            key = (one.bench, one.station)
            sums = stations.setdefault(key, [0, 0, 0])
            sums[0] += 1
            sums[1] += one.duration_ms
            gap = (one.at - before.get(key, one.at)) // timedelta(milliseconds=1) - one.duration_ms
            sums[2] += gap if key in before and 0 < gap <= 900_000 else 0
            before[key] = one.at
        if one.taken_out or one.outcome in _NO_VERDICTS:
            continue
        first = one.unit_id is not None and one.unit_id not in seen
        if one.unit_id is not None:
            seen.add(one.unit_id)
            of_units.setdefault(one.unit_id, []).append(one)
        well = one.outcome in _GOOD
        for name, values in by.items():
            source = card if name in ("lot", "customer", "model") else one
            value = chip if name == "chip" else getattr(source, name, None)
            sums = values.setdefault(value or "", [0] * 5)
            for place, more in enumerate((1, well, first, first and well, one.duration_ms)):
                sums[place] += more
        hour = hours.setdefault(one.at.replace(minute=0, second=0, microsecond=0), [0, 0])
        hour[0] += 1
        hour[1] += well
        spent: Counter[str] = Counter()
        for name, ms, _outcome in course:
            spent[name] += ms
        for name, ms in spent.items():
            steps.setdefault(name, []).append(bucket_of(ms))
    back = sum(
        before.outcome in _GOOD and before.at.date() != after.at.date() and after.at - before.at <= timedelta(days=90)
        for of_it in of_units.values()
        for before, after in pairwise(of_it)
    )
    return {
        "by": {name: {key: tuple(map(int, sums)) for key, sums in values.items()} for name, values in by.items()},
        "hours": {key: tuple(sums) for key, sums in hours.items()},
        "steps": {name: sorted(of_it) for name, of_it in steps.items()},
        "stations": {key: tuple(sums) for key, sums in stations.items()},
        "back": (back, sum(one.outcome in _GOOD for of_it in of_units.values() for one in of_it)),
    }


def told(store: Store, clock: Clock) -> dict[str, Any]:
    """What the line's view and the figures say."""
    filters = Filters(_BEGIN.date() - timedelta(days=1), _BEGIN.date() + timedelta(days=_DAYS + 2))
    with store.read() as session:
        groups = {name: line.groups(session, filters, clock, name) for name in WORDS}
        back = figures.bounced(session)
        buckets: dict[str, Counter[int]] = {}
        for row in session.scalars(select(StepDay).where(StepDay.step != "")):
            buckets.setdefault(row.step, Counter())[row.bucket] += row.count
        stations: dict[tuple[str, str], list[int]] = {}
        for one in session.scalars(select(StationDay)):
            sums = stations.setdefault((one.bench, one.station), [0, 0, 0])
            for place, more in enumerate((one.attempts, one.working_ms, one.waiting_ms)):
                sums[place] += more
        return {
            "by": {
                name: {
                    one.value: (
                        one.ended_well.total,
                        one.ended_well.count,
                        one.first_pass.total,
                        one.first_pass.count,
                        round(one.mean_s * 1000 * one.ended_well.total),
                    )
                    for one in of_it
                }
                for name, of_it in groups.items()
            },
            "hours": {one.begin: (one.counted, one.well) for one in line.hours(session, filters, clock)},
            "steps": {name: sorted(of_it.elements()) for name, of_it in buckets.items()},
            "stations": {key: tuple(sums) for key, sums in stations.items()},
            "back": (back.count, back.total),
        }


def kept(store: Store) -> dict[str, Counter[tuple[Any, ...]]]:
    """What is kept, the parts of each count added up."""
    found: dict[str, Counter[tuple[Any, ...]]] = {}
    with store.read() as session:
        for table in _KEPT:
            keys = [column.name for column in table.__table__.primary_key if column.name != "shard"]
            sums = [column.name for column in table.__table__.columns if not column.primary_key]
            counts = found.setdefault(table.__name__, Counter())
            for row in session.scalars(select(table)):
                for name in sums:
                    counts[*(getattr(row, key) for key in keys), name] += getattr(row, name)
    return {name: +counts for name, counts in found.items()}


def by_month(store: Store) -> tuple[dict[str, dict[Any, Any]], dict[str, dict[Any, Any]]]:
    """What the days add up to, by table of months, and what is kept there."""
    summed: dict[str, dict[Any, Any]] = {}
    there: dict[str, dict[Any, Any]] = {}
    with store.read() as session:
        for days, months in _MONTHS.items():
            name = months.__tablename__
            keys = [column.name for column in months.__table__.primary_key if column.name != "month"]
            for table, found in ((days, summed), (months, there)):
                for row in session.scalars(select(table)):
                    month = row.month if table is months else row.day.replace(day=1)
                    key = (month, *(getattr(row, one) for one in keys))
                    values = found.setdefault(name, {}).setdefault(key, {})
                    for column in months.__table__.columns:
                        if not column.primary_key and getattr(row, column.name) is not None:
                            values.setdefault(column.name, []).append(getattr(row, column.name))
    for found in (summed, there):
        for name, rows in found.items():
            found[name] = {key: told for key, values in rows.items() if (told := _merged(values))}
    return summed, there


def _merged(values: dict[str, list[int]]) -> dict[str, int]:
    how = {"low_mv": min, "limit_low": min, "high_mv": max, "limit_high": max}
    merged = {name: how.get(name, sum)(of_it) for name, of_it in values.items()}
    return merged if any(merged.values()) else {}


@pytest.mark.parametrize("seed", [1, 2])
def test_what_is_kept_is_what_counting_gives(
    store: Store, seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = random.Random(seed)
    other = Store.open(sqlite_url(tmp_path / "other"))
    numbers: dict[str, int] = {}
    for turn in range(14):
        if turn % 2:
            work(store, rng, f"h{turn % 3}", numbers, monkeypatch)
        else:
            # From another bench, some of whose units and labels are the same.
            bench = work(other, rng, f"o{turn % 3}", numbers, monkeypatch)
            while Forwarder(other, store, bench).turn().more:
                pass
    for zone in ("UTC", "Europe/Berlin", "Asia/Kolkata"):
        assert told(store, Clock(zone)) == counted(store)
    assert told(other, Clock()) == counted(other)
    with store.read() as session:
        out = session.scalars(select(Attempt.first).where(Attempt.taken_out)).all()
        assert out, "or nothing is tested"
        assert not any(out)
        assert session.scalar(select(Attempt.id).where(Attempt.first, Attempt.station.is_not(None)))
    for one in (store, other):
        days, months = by_month(one)
        assert days == months
        assert len({key[0] for key in months["line_months"]}) == 2, "or no end of a month is tested"
        assert months["rail_months"]
    before = kept(store)
    with store.write() as session:
        assert count_anew(session) == len(list(session.scalars(select(Attempt.id))))
    assert kept(store) == before
    other.close()


def test_a_filter_changes_how_it_is_counted_and_not_what_comes_out(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = random.Random(3)
    numbers: dict[str, int] = {}
    for turn in range(8):
        work(store, rng, f"h{turn % 2}", numbers, monkeypatch)
    day = _BEGIN.date()
    clock = Clock("Europe/Berlin")
    for first in range(_DAYS + 1):
        plain = Filters(day + timedelta(days=first), day + timedelta(days=first + 1))
        # The parts of a whole, each counted one by one.
        parts = [Filters(plain.first, plain.last, ended=ended) for ended in ("well", "not")]
        with store.read() as session:
            whole = line.summed(session, plain, clock)
            sums = [line.totals(line.groups(session, one, clock, "bench")) for one in parts]
            apart = [line.hours(session, one, clock) for one in parts]
            hours = line.hours(session, plain, clock)
        assert whole.ended_well.total == sum(one.ended_well.total for one in sums)
        assert whole.first_pass.total == sum(one.first_pass.total for one in sums)
        assert sum(one.counted for one in hours) == sum(one.counted for of_it in apart for one in of_it)
        assert {one.begin for one in hours} == {one.begin for of_it in apart for one in of_it}


def test_spread_from_buckets_is_within_a_buckets_width() -> None:
    rng = random.Random(7)
    for _turn in range(50):
        values = [rng.randrange(1, 10 ** rng.randrange(2, 7)) for _ in range(rng.randrange(1, 300))]
        exact = line.spread(values)
        assert spread_of(Counter(map(bucket_of, values))) == pytest.approx(exact, rel=0.1, abs=1)


def test_a_range_from_which_days_are_taken_off_counts_the_same(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(4)
    numbers: dict[str, int] = {}
    for turn in range(8):
        work(store, rng, f"h{turn % 2}", numbers, monkeypatch)
    for first, last in ((2, 33), (2, 27), (20, 50), (-40, 2), (-20, 25), (-35, 60)):
        days = Filters(_BEGIN.date() + timedelta(days=first - 26), _BEGIN.date() + timedelta(days=last - 26))
        with store.read() as session:
            one_by_one = [
                Filters(days.first, days.last, ended=ended) for ended in ("well", "not")
            ]  # with a filter attempts are counted one by one
            for name in WORDS:
                parts = [line.totals(line.groups(session, one, Clock(), name)) for one in one_by_one]
                whole = line.totals(line.groups(session, days, Clock(), name))
                assert whole.ended_well.total == sum(one.ended_well.total for one in parts)
                assert whole.first_pass.count == sum(one.first_pass.count for one in parts)
            line.step_times(session, days, Clock())
            stations = line.station_times(session, days, Clock())
            assert all(one.attempts > 0 and one.working_s >= 0 for one in stations)
            since = datetime.combine(days.first, datetime.min.time(), UTC)
            figures.pareto(session, since, "1.0.9")
            figures.by_firmware(session, since)
            figures.rail_spreads(session, "proof", since)
