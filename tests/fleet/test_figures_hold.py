"""What the figures say is what counting the attempts one by one would say."""

import random
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, func, select, text

from bmsrescue.fleet import figures, ledger
from bmsrescue.fleet import store as store_module
from bmsrescue.fleet.forward import Forwarder
from bmsrescue.fleet.models import Attempt, DayCount, Measurement, RailDay, RecordedConsent
from bmsrescue.fleet.records.projection import project
from bmsrescue.fleet.records.taking import IMPORT, LineTaker
from bmsrescue.fleet.store import Store, sqlite_url
from rescuelink.outcomes import (
    ABORTED,
    CHECK_WIRES,
    EXAMINED,
    NO_FAULT_FOUND,
    RECOVERED,
    RECOVERED_CHECK_CONFIG,
    TOOL_ERROR,
)
from rescuelink.seal import seal
from sealed_records import chain, sample

NO_VERDICTS = (TOOL_ERROR, CHECK_WIRES, ABORTED, EXAMINED)
_TODAY = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)


def take(store: Store, lines: list[str]) -> str:
    with store.write() as session:
        bench = ledger.own_site(session)
        LineTaker("test", IMPORT).take(session, bench, lines)
    return bench


def take_out(store: Store, bench: str, helper: str, sequence: int) -> None:
    """Twice: it is counted out once."""
    content = {"helper": helper, "sequence": sequence}
    with store.write() as session:
        project(session, ledger.append(session, bench, [ledger.News(ledger.TAKEN_OUT, content)] * 2))


def counted_one_by_one(store: Store, since: date) -> dict[str, Any]:
    """The plain way, as slow as it is."""
    with store.read() as session:
        everything = list(session.scalars(select(Attempt)))
    rows = [row for row in everything if row.at.astimezone(UTC).date() >= since]
    of_all_time = [row for row in everything if not row.taken_out and row.outcome not in NO_VERDICTS]
    kept = [row for row in rows if not row.taken_out]
    units = [row for row in kept if row.outcome not in NO_VERDICTS]
    needed = [row for row in units if row.outcome != NO_FAULT_FOUND]
    weeks: dict[date, list[bool]] = {}
    for row in needed:
        day = row.at.date()
        cured = row.outcome in (RECOVERED, RECOVERED_CHECK_CONFIG)
        weeks.setdefault(day - timedelta(days=day.weekday()), []).append(cured)
    return {
        "outcomes": dict(Counter(row.outcome for row in kept)),
        "causes": Counter(row.cause for row in needed if row.cause not in ("healthy", "not-examined")),
        "firmware": Counter(row.firmware or "" for row in units),
        "weeks": {monday: (sum(cured), len(cured)) for monday, cured in weeks.items()},
        "no_fault_found": (sum(row.outcome == NO_FAULT_FOUND for row in units), len(units)),
        "first_pass": first_attempts(of_all_time, since),
        "rails": rails_one_by_one(store, {row.id: row for row in units}),
    }


def first_attempts(attempts: list[Attempt], since: date) -> tuple[int, int]:
    first: dict[int, Attempt] = {}
    for one in sorted(attempts, key=lambda attempt: attempt.id):
        if one.unit_id is not None:
            first.setdefault(one.unit_id, one)
    good = (RECOVERED, RECOVERED_CHECK_CONFIG, NO_FAULT_FOUND)
    new = [one for one in first.values() if one.at.astimezone(UTC).date() >= since]
    return sum(one.outcome in good for one in new), len(new)


def rails_one_by_one(store: Store, attempts: dict[int, Attempt]) -> dict[tuple[str, str], tuple[Any, ...]]:
    found: dict[tuple[str, str], list[Measurement]] = {}
    with store.read() as session:
        for one in session.scalars(select(Measurement).where(Measurement.phase == "on")):
            if one.attempt_id in attempts:
                attempt = attempts[one.attempt_id]
                found.setdefault((attempt.station or attempt.helper, one.rail), []).append(one)
    return {
        key: (
            len(of_it),
            round(sum(one.mv for one in of_it) / len(of_it), 6),
            min(one.mv for one in of_it),
            max(one.mv for one in of_it),
            min((one.limit_low for one in of_it if one.limit_low is not None), default=None),
            max((one.limit_high for one in of_it if one.limit_high is not None), default=None),
            sum(one.verdict == "fail" for one in of_it),
        )
        for key, of_it in found.items()
    }


def told_by_the_figures(store: Store, since: datetime) -> dict[str, Any]:
    with store.read() as session:
        share = figures.no_fault_found(session, since)
        passed = figures.first_pass(session, since)
        return {
            "outcomes": figures.outcomes(session, since),
            "causes": {bar.cause: bar.count for bar in figures.pareto(session, since)},
            "firmware": {one.firmware: one.ended_well.total for one in figures.by_firmware(session, since)},
            "weeks": {
                week.monday: (week.recovered.count, week.recovered.total)
                for week in figures.weekly_yield(session, since)
            },
            "no_fault_found": (share.count, share.total),
            "first_pass": (passed.count, passed.total),
            "rails": {
                (one.station, one.rail): (
                    *(one.count, round(one.mean, 6), one.low, one.high, one.limit_low, one.limit_high, one.failed),
                )
                for one in figures.rail_spreads(session, "on", since)
            },
        }


def test_counts_by_day_are_what_counting_gives(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(6)
    bench = Store.open(sqlite_url(tmp_path / "bench"))
    for turn in range(24):
        at = _TODAY - timedelta(days=rng.randrange(120), seconds=rng.randrange(86_400))
        monkeypatch.setattr(ledger, "now", lambda at=at: at)
        found: dict[str, Any] = rng.choice([{}, {"version": {"found": rng.choice(["1.0.9", "1.1.0"])}}])
        if rng.random() < 0.7:
            found["expected"] = {"rails": {"v3v3": [rng.randrange(3100, 3400), 3465], "v12": [None, 13_200]}}
        on = {rail: {"mv": rng.randrange(3000, 3600)} for rail in ("v3v3", "v12", "vcap")}
        unit = {"uid": f"{rng.randrange(4):024X}"}
        more = {"evidence": found, "rails": {"on": on}, "unit": unit}
        lines = chain(f"h{turn % 5}", rng.randrange(1, 12), first=1 + 3 * (turn // 5), **more)
        # Some come again, some numbers say otherwise; half of them come through another bench.
        here = bench if turn % 2 else store
        identity = take(here, lines)
        if rng.random() < 0.3:
            take_out(here, identity, f"h{turn % 5}", 1 + 3 * (turn // 5))
        if turn % 2:
            while Forwarder(bench, store, identity).turn().more:
                pass
    bench.close()
    for days in (0, 1, 30, 60, 200):
        since = (_TODAY - timedelta(days=days)).replace(hour=0, minute=0)
        assert told_by_the_figures(store, since) == counted_one_by_one(store, since.date())
    with store.read() as session:
        assert session.scalar(select(func.count()).where(Attempt.taken_out)), "or nothing is tested"
        counted = session.scalar(select(func.count()).where(Attempt.taken_out.is_(False)))
        assert session.scalar(select(func.sum(DayCount.count))) == counted


def test_the_causes_of_one_firmware(store: Store) -> None:
    old, new = ({"version": {"found": version}} for version in ("1.1.0", "1.2.0"))
    diagnosis = sample()["diagnosis"]
    take(store, chain("h1", 3, evidence=old, outcome="RECOVERED", diagnosis=diagnosis | {"cause": "update-cut"}))
    take(store, chain("h2", 2, evidence=new, outcome="UNSAFE", diagnosis=diagnosis | {"cause": "short-3v3"}))
    with store.read() as session:
        assert [(bar.cause, bar.count) for bar in figures.pareto(session, firmware="1.1.0")] == [("update-cut", 3)]
        told = [(one.firmware, one.ended_well.count, one.cause) for one in figures.by_firmware(session)]
    assert told == [("1.1.0", 3, "update-cut"), ("1.2.0", 0, "short-3v3")]


def sectors(*states: str, **more: Any) -> dict[str, Any]:
    return {"sectors": [{"index": i, "state": state, "owned": True, **more} for i, state in enumerate(states)]}


@pytest.mark.parametrize(
    ("evidence", "firmware"),
    [
        (sectors("match", "match") | {"version": {"found": "1.1.0", "wanted": "1.2.0"}}, "1.1.0"),
        (sectors("match", "match"), "1.2.0"),
        (sectors("blank", "blank"), "blank"),
        (sectors("match", "blank"), "part of 1.2.0"),
        (sectors("differs", "blank", prefix=4096), "part of 1.2.0"),
        (sectors("differs", "blank", prefix=0), None),
        (sectors("match", owned=False), None),
        ({}, None),
        ({"sectors": "forged", "version": ["1"]}, None),
        ({"version": {"found": "9" * 500}}, "9" * 64),
    ],
)
def test_the_evidence_tells_what_firmware_a_unit_carried(
    tmp_path: Path, evidence: dict[str, Any], firmware: str | None
) -> None:
    store = Store.open(sqlite_url(tmp_path))
    take(store, chain("h1", 1, evidence=evidence))
    with store.read() as session:
        assert session.scalars(select(Attempt.firmware)).one() == firmware
    store.close()


def test_a_consent_in_a_record_can_be_looked_for(store: Store) -> None:
    consent = {"words": ["rdp-regression", 7, ""], "scope": "everything is erased", "unit": "A" * 24}
    given = consent | {"by": "operator:long press", "given": True}
    take(store, [*chain("h1", 1, consent=given), *chain("h2", 1), *chain("h3", 1, consent={"words": 5, "given": 1})])
    with store.read() as session:
        found = session.scalars(select(RecordedConsent).order_by(RecordedConsent.attempt_id)).all()
        assert [(one.words, one.said_by, one.given) for one in found] == [
            (["rdp-regression"], "operator:long press", True),
            ([], None, False),
        ]


def test_a_store_from_before_gets_counts_firmware_and_consents(store_url: str, tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    engine = create_engine(store_module.make_url(store_url).set(drivername=_driver(store_url)))
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(Path(store_module.__file__).parent / "migrations"))
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")
        line = seal(sample() | {"helper": "h1", "consent": {"words": ["wrp"], "by": "policy:x", "given": True}}, "")
        moment = "2026-02-01 23:59:59.000000" + ("+00:00" if "postgresql" in store_url else "")
        connection.execute(
            text(
                "INSERT INTO attempts (helper, sequence, bench, at, time_source, outcome, unit_outcome, cause, "
                "sentence, duration_ms, resumed, follows) VALUES ('h1', 1, 'b', :at, 'import', 'RECOVERED', "
                "'RECOVERED', 'update-cut', '', 1, false, true)"
            ),
            {"at": moment},
        )
        connection.execute(text("INSERT INTO sealed_lines VALUES (1, 'x', :line)"), {"line": line})
        connection.execute(
            text("INSERT INTO measurements VALUES (1, 'on', 'v3v3', 3300, 3290, 3310, NULL, NULL, 53, 'pass')")
        )
    engine.dispose()
    store = Store.open(store_url)
    with store.read() as session:
        assert session.execute(select(DayCount.day, DayCount.cause, DayCount.count)).all() == [
            (date(2026, 2, 1), "update-cut", 1)
        ]
        assert session.scalars(select(RecordedConsent.words)).all() == [["wrp"]]
        assert session.execute(select(RailDay.station, RailDay.rail, RailDay.total_mv)).all() == [("h1", "v3v3", 3300)]
        assert session.execute(select(Measurement.rail, Measurement.uncertainty)).all() == [("v3v3", 53)]
    store.close()


def _driver(url: str) -> str:
    return "postgresql+psycopg" if url.startswith("postgresql") else "sqlite"
