"""The page over a shared store of 5,000,000 attempts from 200 benches: `make bench-fleet FLEET=store`.

The store is filled by PostgreSQL itself from a series, as forwarding would have filled it: a year of attempts, 25,000 a
bench, of 3,000,000 units, with all their counts by day. ATTEMPTS=100000 makes a smaller one. TABLE=docs/depot.md writes
the figures into that page.
"""

from __future__ import annotations

import json
import os
import re
import statistics
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from fastapi.testclient import TestClient

from bmsrescue.config import Config
from bmsrescue.fleet.fleet import Fleet
from bmsrescue.fleet.records.durations import EDGES
from bmsrescue.fleet.stations.hall import Hall
from bmsrescue.fleet.store import Store
from bmsrescue.fleet.web.app import create_page
from fake_station import NoHelpers
from sealed_records import sample

ATTEMPTS = int(os.environ.get("ATTEMPTS", "5000000"))
BENCHES = 200
ROUNDS = 5
LIMIT_MS = 300
AFTER = "after its page:"  # what is loaded by a page that is there already
_TABLE_BEGIN, _TABLE_END = "<!-- figures of make bench-fleet FLEET=store -->", "<!-- end of the figures -->"
_DETAILED = 20_000  # the newest, with their steps, lines and rails

_LINE = json.dumps(sample()).replace("'", "''")
UNITS = ATTEMPTS * 3 // 5
_COUNTED = "o <> 'CHECK_WIRES'"
_GOOD = "o IN ('RECOVERED', 'NO_FAULT_FOUND')"

_FILL = f"""
INSERT INTO benches (id, name, own, first_seen)
  SELECT 'bench' || b, 'hall ' || b, false, now() - interval '1 year' FROM generate_series(1, {BENCHES}) b;
INSERT INTO units (uid, chip, first_seen)
  SELECT upper(substr(md5(u::text), 1, 24)), CASE u % 3 WHEN 0 THEN 'STM32H743' ELSE 'STM32H725' END,
    now() - interval '1 year' FROM generate_series(1, {UNITS}) u;
INSERT INTO attempts (helper, helper_id, sequence, sha256, bench, at, time_source, unit_id, label, station, operator,
    outcome, unit_outcome, cause, confidence, sentence, next_step, job, image_version, firmware, duration_ms,
    power_cycles, resumed, follows, first)
  SELECT 'helper ' || n % 1000, lpad(to_hex(n % 1000), 16, '0'), n, encode(sha256(n::text::bytea), 'hex'),
    'bench' || 1 + n % {BENCHES}, now() - interval '1 year' * (1 - n::float8 / {ATTEMPTS}), 'bench',
    1 + (n * 7919::bigint) % {UNITS}, 'BR16S-' || lpad(((n * 7919::bigint) % {UNITS})::text, 8, '0'),
    'station ' || n % 1000, 'operator ' || n % 600, o, o,
    (ARRAY['update-cut', 'interrupted-program', 'blank', 'no-vcap', 'short-3v3', 'rdp1'])[1 + n / 7 % 6], 'certain',
    'what was wrong', 'what to do next', 'bms-1.2.0', '1.2.0',
    (ARRAY['1.0.0', '1.1.0', '1.2.0', 'blank'])[1 + n / 3 % 4],
    15000 + n * 13::bigint % 20000, 3, false, true, n <= {UNITS} AND {_COUNTED}
  FROM (SELECT n, (ARRAY['RECOVERED', 'RECOVERED', 'RECOVERED', 'NO_FAULT_FOUND', 'NOT_FIRMWARE', 'RECOVERED',
    'UNSAFE', 'RECOVERED', 'RECOVERED', 'CHECK_WIRES'])[1 + (n * 31::bigint) % 10] AS o
    FROM generate_series(1, {ATTEMPTS}) n) made;
INSERT INTO unit_labels (unit_id, label, first_seen)
  SELECT unit_id, label, at FROM attempts ORDER BY id LIMIT {UNITS};
INSERT INTO unit_cards (unit_id, customer, lot, changed_at, changed_by)
  SELECT u, 'customer ' || u % 50, 'lot ' || u % 500, now(), 'otto'
  FROM generate_series(1, {UNITS}, 10) u;
CREATE TEMPORARY TABLE facts AS
  SELECT (a.at AT TIME ZONE 'UTC')::date AS day, date_trunc('hour', a.at) AS hour, a.bench, a.station, a.operator,
    a.firmware, a.job, a.cause, a.outcome AS o, substr(a.bench, 6)::int % 4 AS shard, a.first, a.duration_ms AS ms,
    u.chip, c.lot, c.customer FROM attempts a JOIN units u ON u.id = a.unit_id
    LEFT JOIN unit_cards c ON c.unit_id = a.unit_id;
INSERT INTO day_counts (day, outcome, cause, firmware, shard, count)
  SELECT day, o, cause, firmware, shard, count(*) FROM facts GROUP BY 1, 2, 3, 4, 5;
INSERT INTO line_hours (hour, shard, counted, well)
  SELECT hour, shard, count(*), count(*) FILTER (WHERE {_GOOD}) FROM facts WHERE {_COUNTED} GROUP BY 1, 2;
INSERT INTO station_days (day, bench, station, attempts, working_ms, waiting_ms)
  SELECT day, bench, station, count(*), sum(ms), 200000 * count(*) FROM facts GROUP BY 1, 2, 3;
INSERT INTO step_days (day, step, bucket, shard, count)
  SELECT day, step, width_bucket((part * ms)::bigint, ARRAY{list(EDGES)}::bigint[]), shard, count(*)
  FROM facts, (VALUES ('', 1.0), ('identify', 0.1), ('backup', 0.5), ('plan', 0.01), ('act', 0.2), ('prove', 0.1),
    ('rails', 0.02), ('switch-off', 0.05)) AS steps (step, part) WHERE {_COUNTED} GROUP BY 1, 2, 3, 4;
INSERT INTO rail_days (phase, day, bench, station, rail, count, total_mv, low_mv, high_mv, limit_low, limit_high,
    failed)
  SELECT p, day, bench, station, r, attempts, 3300 * attempts, 3290, 3310, 3135, 3465, 0 FROM station_days,
    unnest(ARRAY['v3v3', 'v12', 'bplus', 'v5iso', 'vcap']) r, unnest(ARRAY['off', 'on', 'proof']) p;
INSERT INTO courses (attempt_id, steps, before, after)
  SELECT id, '[["rails", 250, "ok"], ["backup", 9000, "ok"], ["act", 3000, "ok"]]', '[]', '[]'
  FROM attempts ORDER BY id DESC LIMIT {_DETAILED};
INSERT INTO sealed_lines (attempt_id, line) SELECT id, '{_LINE}' FROM attempts ORDER BY id DESC LIMIT {_DETAILED};
INSERT INTO measurements (attempt_id, phase, rail, mv, uncertainty, verdict)
  SELECT id, 'proof', r, 3300 + id % 7, 53, 'pass' FROM
    (SELECT id FROM attempts ORDER BY id DESC LIMIT {_DETAILED}) newest,
    unnest(ARRAY['v3v3', 'v12', 'bplus', 'v5iso', 'vcap']) r;
INSERT INTO ledger (bench, number, at, kind, body, hash)
  SELECT 'bench' || 1 + n % {BENCHES}, n, now(), 'audit', '{{}}', md5(n::text) FROM generate_series(1, 200000) n;
"""
_BY = ("bench", "station", "operator", "firmware", "job", "cause", "o", "lot", "customer", "chip", "''")
_LINE_DAYS = """
INSERT INTO line_days (dimension, day, value, shard, counted, well, first, first_well, back, total_ms)
  SELECT '{dimension}', day, coalesce({column}, ''), shard, count(*), count(*) FILTER (WHERE {good}),
    count(*) FILTER (WHERE first), count(*) FILTER (WHERE first AND {good}), 0, sum(ms)
  FROM facts WHERE {counted} GROUP BY 2, 3, 4
"""
_MONTHS = {
    "month_counts": ("day_counts", ("outcome", "cause", "firmware", "shard"), "sum(count)"),
    "line_months": (
        "line_days",
        ("dimension", "value", "shard"),
        "sum(counted), sum(well), sum(first), sum(first_well), sum(back), sum(total_ms)",
    ),
    "step_months": ("step_days", ("step", "bucket", "shard"), "sum(count)"),
    "station_months": ("station_days", ("bench", "station"), "sum(attempts), sum(working_ms), sum(waiting_ms)"),
    "rail_months": (
        "rail_days",
        ("phase", "bench", "station", "rail"),
        "sum(count), sum(total_mv), min(low_mv), max(high_mv), min(limit_low), max(limit_high), sum(failed)",
    ),
}
_VALUES = re.compile(r"\((\w+)\)")
# Foreign keys are not looked at: every row is made to fit.
_SETTINGS = """
SET session_replication_role = replica; SET synchronous_commit = off;
SET maintenance_work_mem = '512MB'; SET work_mem = '256MB'
"""


def _fill(connection: psycopg.Connection[Any]) -> None:
    """Rows first, indexes after: that halves the time."""
    connection.execute(_SETTINGS)
    indexes = connection.execute(
        "SELECT indexname, indexdef FROM pg_indexes WHERE indexname LIKE 'ix_%' "
        "AND tablename IN ('attempts', 'unit_labels', 'units', 'unit_cards')"
    ).fetchall()
    for name, _made in indexes:
        connection.execute(f"DROP INDEX {name}".encode())
    connection.execute(_FILL.encode())
    names = {"o": "outcome", "''": "all"}
    for column in _BY:
        for dimension in ("all", "identified") if column == "''" else (names.get(column, column),):
            told = _LINE_DAYS.format(dimension=dimension, column=column, good=_GOOD, counted=_COUNTED)
            connection.execute(told.encode())
    for _name, made in indexes:
        connection.execute(made.encode())
    _fill_months(connection)
    connection.execute("VACUUM ANALYZE")


def _fill_months(connection: psycopg.Connection[Any]) -> None:
    """From the counts by day, as the migration makes them."""
    for months, (days, keys, sums) in _MONTHS.items():
        columns = ", ".join(("month", *keys, *_VALUES.findall(sums)))
        by = ", ".join(("1", *keys))
        told = f"INSERT INTO {months} ({columns}) SELECT date_trunc('month', day)::date, {', '.join(keys)}, {sums}"
        connection.execute(f"{told} FROM {days} GROUP BY {by}".encode())


def write_table(page: Path, rows: list[tuple[str, float, float]]) -> None:
    """The figures of each page in ms, into a document between its two marks."""
    text = page.read_text()
    before, rest = text.split(_TABLE_BEGIN)
    _old, after = rest.split(_TABLE_END)
    table = f"| {ATTEMPTS:,} attempts of {BENCHES} benches | ms | of it processor time, page and PostgreSQL |\n"
    table += "|---|---|---|\n"
    for path, ms, cpu_ms in rows:
        words, _, address = path.rpartition(" /")
        table += f"| {words + ' ' if words else ''}`/{address.lstrip('/')}` | {ms:.0f} | {cpu_ms:.0f} |\n"
    page.write_text(f"{before}{_TABLE_BEGIN}\n{table}{_TABLE_END}{after}")


def measure_store(folder: Path, url: str, server_cpu_s: Callable[[], float]) -> Iterator[tuple[str, float, float, int]]:
    """Each page with its time and CPU time (ours and the server's) in ms, the middle of some rounds, and its status.

    `url`: a database, filled here where it is empty; `server_cpu_s`: what the server has used by now.
    """
    Store.open(url).close()
    began = time.perf_counter()
    with psycopg.connect(url.replace("postgresql+psycopg", "postgresql"), autocommit=True) as connection:
        if not connection.execute("SELECT 1 FROM attempts LIMIT 1").fetchone():
            _fill(connection)
        if not connection.execute("SELECT 1 FROM line_months LIMIT 1").fetchone():
            _fill_months(connection)  # a store that was kept from before there were any
            connection.execute("ANALYZE")
        newest = connection.execute("SELECT sha256, unit_id, label FROM attempts ORDER BY id DESC LIMIT 1").fetchone()
    if newest is None:
        raise SystemExit("nothing was made")
    yield f"{ATTEMPTS:,} attempts made", 1000 * (time.perf_counter() - began), 0.0, 200
    fleets = [Fleet(Config(stations={"time_zone": zone}), folder / zone, url) for zone in ("UTC", "Europe/Berlin")]
    client, in_berlin = map(_client, fleets)
    sha256, unit, label = newest
    today = datetime.now(UTC).date()
    for path in (
        "/benches",
        "/line",
        "/line?by=cause",
        "/line?by=customer",
        f"/line?from={today - timedelta(days=89)}",
        f"/line?from={today - timedelta(days=364)}",
        "/line?bench=bench7",
        f"/line?bench=bench7&from={today - timedelta(days=89)}",
        f"/line?bench=bench7&from={today - timedelta(days=364)}",
        "/line?station=station 7",
        "/line?cause=no-vcap",
        f"/line?cause=no-vcap&from={today - timedelta(days=364)}",
        "/attempts",
        "/attempts?sort=duration",
        "/attempts?cause=no-vcap&ended=not",
        f"/attempts?sort=operator&from={today - timedelta(days=364)}",
        "/units",
        f"/units?q={label}",
        f"/units?q={label[-7:-1]}",
        "/units?q=customer 7",
        f"/units/{unit}",
        f"/attempts/{sha256}",
        f"/attempts/{sha256}/beside",
        "/figures?days=7",
        "/figures",
        "/figures?days=365",
        "/figures/slow?days=7",
        "/figures/slow",
        "/backups",
        "/health",
        "/quarantine",
        "/releases",
        "/metrics",
        f"Europe/Berlin /line?from={today - timedelta(days=89)}",
        f"Europe/Berlin /line?from={today - timedelta(days=364)}&by=operator",
        f"{AFTER} /line/figures?bench=bench7&from={today - timedelta(days=364)}",
        f"{AFTER} /line/figures?cause=no-vcap&from={today - timedelta(days=89)}",
        f"{AFTER} /line/figures?cause=no-vcap&from={today - timedelta(days=364)}",
    ):
        times, spent, status = [], [], 0
        by, address = (
            (in_berlin if path.startswith("Europe/Berlin") else client),
            f"/{path.rpartition(' /')[2].lstrip('/')}",
        )
        for _round in range(ROUNDS):
            began, cpu = time.perf_counter(), time.process_time() + server_cpu_s()
            status = by.get(address).status_code
            times.append(1000 * (time.perf_counter() - began))
            spent.append(1000 * (time.process_time() + server_cpu_s() - cpu))
        yield path.replace(sha256, "SHA256"), statistics.median(times), statistics.median(spent), status
    for fleet in fleets:
        fleet.store.close()


def _client(fleet: Fleet) -> TestClient:
    connected = NoHelpers()
    return TestClient(create_page(fleet, Hall(connected, fleet.desk), connected.events), client=("127.0.0.1", 1))  # type: ignore[arg-type]
