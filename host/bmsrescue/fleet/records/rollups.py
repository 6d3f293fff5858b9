"""What the line and the figures are read from, counted as attempts come in (`models.counts`).

Each attempt is a `Fact`; what it adds to every count is worked out here and nowhere else, so that what is kept, what is
taken back (a unit that was taken out in work, a card that got another lot) and what is counted anew are the same.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, select, text, update
from sqlalchemy.orm import Session

from bmsrescue.fleet.models import (
    Attempt,
    Base,
    Course,
    DayCount,
    LineDay,
    LineHour,
    LineMonth,
    MonthCount,
    StationDay,
    StationMonth,
    StepDay,
    StepMonth,
    Unit,
    UnitCard,
)
from bmsrescue.fleet.records.durations import bucket_of
from bmsrescue.fleet.records.fields import Row
from bmsrescue.fleet.records.which_count import GOOD, NOT_COUNTED
from bmsrescue.fleet.upsert import insert_or_merge

ALL, IDENTIFIED = "all", "identified"
BY_ATTEMPT = ("bench", "station", "operator", "firmware", "job", "cause", "outcome")
BY_CARD = ("lot", "customer", "model")
BREAK_MS = 900_000
"""Between two attempts at a station: longer is a break, no waiting for a person."""
WHOLE = ""
"""In place of a step: the job from its start to its end."""

_BOUNCE = timedelta(days=90)
_SHARDS = 4
# With the shard the two keys of a lock that nothing else uses; a bench that is cut off holds it no longer than that.
_LOCK, _HOLD = 0x424D5353, "60s"
_AT_ONCE = 1000
_MS = timedelta(milliseconds=1)

_KEYS: dict[type[Base], tuple[str, ...]] = {
    DayCount: ("day", "outcome", "cause", "firmware", "shard"),
    LineDay: ("dimension", "day", "value", "shard"),
    LineHour: ("hour", "shard"),
    StepDay: ("day", "step", "bucket", "shard"),
    StationDay: ("day", "bench", "station"),
}
_SUMS: dict[type[Base], tuple[str, ...]] = {
    DayCount: ("count",),
    LineDay: ("counted", "well", "first", "first_well", "back", "total_ms"),
    LineHour: ("counted", "well"),
    StepDay: ("count",),
    StationDay: ("attempts", "working_ms", "waiting_ms"),
}
_MONTHS: dict[type[Base], type[Base]] = {
    DayCount: MonthCount,
    LineDay: LineMonth,
    StepDay: StepMonth,
    StationDay: StationMonth,
}


@dataclass(slots=True)
class Fact:
    """An attempt as it is counted. `values`: by dimension. `back_to`: the day on which its unit had ended well before,
    where it came back from that. `waited_ms`: since the attempt before at its station; None where nobody knows.
    """

    at: datetime
    outcome: str
    taken_out: bool
    unit: int | None
    duration_ms: int
    values: dict[str, str]
    steps: Iterable[Any]
    bench: str
    station: str | None
    on_bench: bool
    first: bool = False
    back_to: date | None = None
    waited_ms: int | None = None

    @property
    def counts(self) -> bool:
        return not self.taken_out and self.outcome not in NOT_COUNTED

    @property
    def well(self) -> bool:
        return self.outcome in GOOD

    @property
    def day(self) -> date:
        return self.at.astimezone(UTC).date()


@dataclass
class Sums:
    """What attempts add to the counts of one shard, put down at once. `by_month`: the store has counts by month."""

    shard: int
    by_month: bool = True
    rows: dict[type[Base], dict[tuple[Any, ...], list[int]]] = field(default_factory=dict)

    def attempt(self, fact: Fact, sign: int = 1) -> None:
        """All that an attempt adds, but for what its station did; with -1 it is taken back."""
        day, values = fact.day, fact.values
        if not fact.taken_out:
            self._add(DayCount, (day, fact.outcome, values["cause"], values["firmware"], self.shard), sign)
        if not fact.counts:
            return
        self.line(fact, (ALL, *((IDENTIFIED,) if fact.unit is not None else ()), *values), sign)
        hour = fact.at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        self._add(LineHour, (hour, self.shard), sign, sign * fact.well)
        spent: Counter[str] = Counter({WHOLE: fact.duration_ms})
        for name, ms, _outcome in fact.steps:
            if name and ms is not None:
                spent[name] += ms
        for name, ms in spent.items():
            self._add(StepDay, (day, name, bucket_of(ms), self.shard), sign)
        if fact.back_to is not None:
            self.back(fact.back_to, sign)

    def line(self, fact: Fact, dimensions: Iterable[str], sign: int) -> None:
        """What an attempt that counts adds to these dimensions."""
        day, well, first = fact.day, sign * fact.well, sign * fact.first
        more = (sign, well, first, first * fact.well, 0, sign * fact.duration_ms)
        for name in dimensions:
            self._add(LineDay, (name, day, fact.values.get(name, ""), self.shard), *more)

    def back(self, day: date, sign: int) -> None:
        """A unit that ended well on a day came back, or did not after all."""
        self._add(LineDay, (IDENTIFIED, day, "", self.shard), 0, 0, 0, 0, sign, 0)

    def station(self, fact: Fact) -> None:
        """What the station of an attempt did: also where the attempt says nothing of its unit."""
        if fact.station is None or not fact.on_bench:
            return
        waited = fact.waited_ms if fact.waited_ms is not None and 0 < fact.waited_ms <= BREAK_MS else 0
        self._add(StationDay, (fact.day, fact.bench, fact.station), 1, fact.duration_ms, waited)

    def put_down(self, session: Session) -> None:
        for table, rows in self.rows.items():
            keys = _KEYS[table]
            _put_down(session, table, keys, _SUMS[table], rows)
            if self.by_month and table in _MONTHS:
                day = keys.index("day")
                of_months: dict[tuple[Any, ...], list[int]] = {}
                for key, sums in rows.items():
                    of = (*key[:day], key[day].replace(day=1), *key[day + 1 :])
                    before = of_months.get(of)
                    of_months[of] = (
                        sums if before is None else [one + more for one, more in zip(before, sums, strict=True)]
                    )
                monthly = tuple("month" if name == "day" else name for name in keys)
                _put_down(session, _MONTHS[table], monthly, _SUMS[table], of_months)
        self.rows.clear()

    def _add(self, table: type[Base], key: tuple[Any, ...], *more: int) -> None:
        rows = self.rows.setdefault(table, {})
        sums = rows.get(key)
        if sums is None:
            rows[key] = list(more)
        else:
            for place, one in enumerate(more):
                sums[place] += one


def _put_down(
    session: Session,
    table: type[Base],
    keys: Sequence[str],
    sums: Sequence[str],
    rows: Mapping[tuple[Any, ...], Sequence[int]],
) -> None:
    """Add these to what is there, by key."""
    told = [dict(zip((*keys, *sums), (*key, *more), strict=True)) for key, more in rows.items() if any(more)]
    insert_or_merge(session, table, told, added=sums)


def take_turn(session: Session, bench: str) -> Sums:
    """Wait until nobody else counts in the bench's shard: before a transaction's first count, or first look at one."""
    sums = Sums(zlib.crc32(bench.encode()) % _SHARDS)
    if session.get_bind().dialect.name == "postgresql":
        session.execute(
            text("SELECT pg_advisory_xact_lock(:lock, :shard), set_config(:name, :hold, true)"),
            {"lock": _LOCK, "shard": sums.shard, "name": "idle_in_transaction_session_timeout", "hold": _HOLD},
        )
    return sums


class Earlier:
    """What units and stations did before the attempts that come now, in the order in which these come.

    `from_the_first`: they come from the oldest on; else they are new, and what was before them is in the store.
    """

    def __init__(self, session: Session, from_the_first: bool = False) -> None:
        self._session = session
        self._from_the_first = from_the_first
        self._units: dict[int, tuple[datetime, bool] | None] = {}
        self._stations: dict[tuple[str, str], datetime | None] = {}

    def units(self, units: set[int], before: int | None = None) -> None:
        """Look these up: their newest attempt that counts; `before`: of those with a lower number than that."""
        self._units = {}
        # Of two benches that bring the same unit one waits for the other.
        lock = select(Unit.id).where(Unit.id.in_(units)).order_by(Unit.id)
        self._session.execute(lock.with_for_update(key_share=True)).all()
        newest = (
            select(func.max(Attempt.id))
            .where(Attempt.unit_id.in_(units), Attempt.taken_out.is_(False), Attempt.outcome.not_in(NOT_COUNTED))
            .group_by(Attempt.unit_id)
        )
        if before is not None:
            newest = newest.where(Attempt.id < before)
        for unit, at, outcome in self._session.execute(
            select(Attempt.unit_id, Attempt.at, Attempt.outcome).where(Attempt.id.in_(newest))
        ):
            if unit is not None:
                self._units[unit] = (at, outcome in GOOD)

    def place(self, fact: Fact) -> None:
        """Tell the next attempt whether it is its unit's first, what it came back from, how long its station waited."""
        if fact.counts and fact.unit is not None:
            before = self._units.get(fact.unit)
            fact.first = before is None
            if before is not None and before[1] and came_back(before[0], fact.at):
                fact.back_to = before[0].astimezone(UTC).date()
            self._units[fact.unit] = (fact.at, fact.well)
        if fact.station is not None and fact.on_bench:
            key = (fact.bench, fact.station)
            known = key in self._stations or self._from_the_first
            ended = self._stations.get(key) if known else self._newest_at(*key)
            if ended is not None:
                fact.waited_ms = (fact.at - ended) // _MS - fact.duration_ms
            self._stations[key] = fact.at

    def _newest_at(self, bench: str, station: str) -> datetime | None:
        return self._session.scalar(
            select(Attempt.at)
            .where(Attempt.bench == bench, Attempt.station == station, Attempt.time_source == "bench")
            .order_by(Attempt.id.desc())
            .limit(1)
        )


def came_back(ended: datetime, came: datetime) -> bool:
    """Whether a unit that ended well is back: on another day (UTC), within 90 days."""
    return ended.astimezone(UTC).date() != came.astimezone(UTC).date() and came - ended <= _BOUNCE


def fact_of(attempt: Row, steps: Iterable[Any], card: Row) -> Fact:
    """`attempt`: its columns by name; `card`: "chip" and what people wrote of its unit."""
    values = {name: attempt[name] or "" for name in BY_ATTEMPT}
    values |= {name: card.get(name) or "" for name in (*BY_CARD, "chip")}
    return Fact(
        attempt["at"],
        attempt["outcome"],
        bool(attempt.get("taken_out")),
        attempt["unit_id"],
        attempt["duration_ms"],
        values,
        steps,
        attempt["bench"],
        attempt["station"],
        attempt["time_source"] == "bench",
        bool(attempt.get("first")),
    )


def cards_of(session: Session, units: set[int]) -> dict[int, Row]:
    """Chip, lot, customer and board model of units."""
    told = select(Unit.id, Unit.chip, *(getattr(UnitCard, name) for name in BY_CARD))
    rows = session.execute(told.join(UnitCard, UnitCard.unit_id == Unit.id, isouter=True).where(Unit.id.in_(units)))
    return {row.id: row._asdict() for row in rows}


def roll_out(session: Session, bench: str, number: int) -> None:
    """An attempt that was just marked as taken out counts no more: neither does what its unit did around it follow."""
    sums = take_turn(session, bench)
    ((_number, fact),) = _facts(session, Attempt.id == number)
    fact.taken_out = False
    if not fact.counts or fact.unit is None:
        sums.attempt(fact, -1)
        sums.put_down(session)
        return
    of_unit = [Attempt.unit_id == fact.unit, Attempt.taken_out.is_(False), Attempt.outcome.not_in(NOT_COUNTED)]
    before = _facts(session, *of_unit, Attempt.id < number, newest=True)
    after = _facts(session, *of_unit, Attempt.id > number, newest=False)
    for one, other, sign in (
        *((one, fact, -1) for _number, one in before),
        *((fact, other, -1) for _number, other in after),
        *((one, other, 1) for _n, one in before for _m, other in after),
    ):
        if one.well and came_back(one.at, other.at):
            sums.back(one.day, sign)
    sums.attempt(fact, -1)
    session.execute(update(Attempt).where(Attempt.id == number).values(first=False))
    if fact.first and after:
        ((next_number, following),) = after
        sums.attempt(following, -1)
        following.first = True
        sums.attempt(following)
        session.execute(update(Attempt).where(Attempt.id == next_number).values(first=True))
    sums.put_down(session)


def roll_over(session: Session, bench: str, unit: int, now: Row) -> None:
    """A unit has got another lot, customer, board model or chip: its attempts are counted there."""
    sums = take_turn(session, bench)
    for _number, fact in _facts(
        session, Attempt.unit_id == unit, Attempt.taken_out.is_(False), Attempt.outcome.not_in(NOT_COUNTED)
    ):
        changed = [name for name in now if fact.values.get(name, "") != (now[name] or "")]
        sums.line(fact, changed, -1)
        fact.values |= {name: now[name] or "" for name in changed}
        sums.line(fact, changed, 1)
    sums.put_down(session)


def count_anew(session: Session, by_month: bool = True) -> int:
    """Forget all of these counts and make them from the attempts; how many there are. Needs a write session.

    `by_month`: False while the tables by month are not there yet.
    """
    if session.get_bind().dialect.name == "postgresql":
        for shard in range(_SHARDS):
            session.execute(text("SELECT pg_advisory_xact_lock(:lock, :shard)"), {"lock": _LOCK, "shard": shard})
    for table in (*_KEYS, *(_MONTHS.values() if by_month else ())):
        session.execute(delete(table))
    earlier, sums, after, total = Earlier(session, from_the_first=True), Sums(0, by_month), 0, 0
    while piece := _facts(session, Attempt.id > after, newest=False, count=_AT_ONCE):
        earlier.units({fact.unit for _number, fact in piece if fact.unit is not None}, piece[0][0])
        wrong: dict[bool, list[int]] = {True: [], False: []}
        for number, fact in piece:
            was = fact.first
            fact.first = False
            earlier.place(fact)
            if fact.first != was:
                wrong[fact.first].append(number)
            sums.attempt(fact)
            sums.station(fact)
        for first, numbers in wrong.items():
            if numbers:
                session.execute(update(Attempt).where(Attempt.id.in_(numbers)).values(first=first))
        sums.put_down(session)
        after, total = piece[-1][0], total + len(piece)
    return total


_COLUMNS = (
    *("id", "at", "bench", "station", "operator", "firmware", "job", "cause", "outcome", "unit_id", "duration_ms"),
    *("time_source", "taken_out", "first"),
)


def _facts(session: Session, *wanted: Any, newest: bool | None = None, count: int = 1) -> list[tuple[int, Fact]]:
    """Attempts in the store, by number; with `newest` only `count` of them, from the newest or from the oldest on."""
    statement = (
        select(
            *(getattr(Attempt, name) for name in _COLUMNS),
            Unit.chip,
            *(getattr(UnitCard, name) for name in BY_CARD),
            Course.steps,
        )
        .join(Unit, Unit.id == Attempt.unit_id, isouter=True)
        .join(UnitCard, UnitCard.unit_id == Attempt.unit_id, isouter=True)
        .join(Course, Course.attempt_id == Attempt.id, isouter=True)
        .where(*wanted)
        .order_by(Attempt.id.desc() if newest else Attempt.id)
    )
    if newest is not None:
        statement = statement.limit(count)
    rows = [row._asdict() for row in session.execute(statement)]
    return [(row["id"], fact_of(row, row["steps"] or (), row)) for row in rows]
