"""The page over a shared store of 5,000,000 attempts from 200 benches: `make bench-fleet FLEET=store`.

The store is filled by PostgreSQL itself, row by row from a series, as forwarding would have filled it: a year of
attempts, 25,000 a bench, of 3,000,000 units, with their counts by day. ATTEMPTS=100000 makes a smaller one.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
from fastapi.testclient import TestClient

from bmsrescue.config import Config
from bmsrescue.fleet.fleet import Fleet
from bmsrescue.fleet.stations.hall import Hall
from bmsrescue.fleet.store import Store
from bmsrescue.fleet.web.app import create_page
from fake_station import NoHelpers

ATTEMPTS = int(os.environ.get("ATTEMPTS", "5000000"))
BENCHES = 200
ROUNDS = 5
LIMIT_MS = 300
_DETAILED = 20_000  # the newest, with their steps, lines and rails

_FILL = f"""
INSERT INTO benches (id, name, own, first_seen)
  SELECT 'bench' || b, 'hall ' || b, false, now() - interval '1 year' FROM generate_series(1, {BENCHES}) b;
INSERT INTO units (uid, chip, first_seen)
  SELECT upper(substr(md5(u::text), 1, 24)), CASE u % 3 WHEN 0 THEN 'STM32H743' ELSE 'STM32H725' END,
    now() - interval '1 year' FROM generate_series(1, {ATTEMPTS * 3 // 5}) u;
INSERT INTO attempts (helper, helper_id, sequence, sha256, bench, at, time_source, unit_id, label, station, operator,
    outcome, unit_outcome, cause, confidence, sentence, next_step, job, image_version, firmware, duration_ms,
    power_cycles, resumed, follows)
  SELECT 'helper ' || n % 1000, lpad(to_hex(n % 1000), 16, '0'), n, encode(sha256(n::text::bytea), 'hex'),
    'bench' || 1 + n % {BENCHES}, now() - interval '1 year' * (1 - n::float8 / {ATTEMPTS}), 'bench',
    1 + (n * 7919::bigint) % {ATTEMPTS * 3 // 5}, 'BR16S-' || lpad(((n * 7919::bigint) % 99999999)::text, 8, '0'),
    'station ' || n % 1000, 'operator ' || n % 600, o, o,
    (ARRAY['update-cut', 'interrupted-program', 'blank', 'no-vcap', 'short-3v3', 'rdp1'])[1 + n % 6], 'certain',
    'what was wrong', 'what to do next', 'bms-1.2.0', '1.2.0', (ARRAY['1.0.0', '1.1.0', '1.2.0', 'blank'])[1 + n % 4],
    15000 + n % 20000, 3, false, true
  FROM (SELECT n, (ARRAY['RECOVERED', 'RECOVERED', 'RECOVERED', 'NO_FAULT_FOUND', 'NOT_FIRMWARE', 'RECOVERED',
    'UNSAFE', 'RECOVERED', 'RECOVERED', 'CHECK_WIRES'])[1 + (n * 31::bigint) % 10] AS o
    FROM generate_series(1, {ATTEMPTS}) n) made;
INSERT INTO unit_labels (unit_id, label, first_seen)
  SELECT DISTINCT ON (unit_id, label) unit_id, label, at FROM attempts;
INSERT INTO unit_cards (unit_id, customer, lot, changed_at, changed_by)
  SELECT u, 'customer ' || u % 50, 'lot ' || u % 500, now(), 'otto'
  FROM generate_series(1, {ATTEMPTS * 3 // 5}, 10) u;
INSERT INTO day_counts (day, bench, outcome, cause, firmware, count)
  SELECT (at AT TIME ZONE 'UTC')::date, bench, outcome, cause, firmware, count(*) FROM attempts GROUP BY 1, 2, 3, 4, 5;
INSERT INTO rail_days (day, bench, station, phase, rail, count, total_mv, low_mv, high_mv, limit_low, limit_high,
    failed)
  SELECT (at AT TIME ZONE 'UTC')::date, bench, station, 'proof', r, count(*), 3300 * count(*), 3290, 3310, 3135, 3465, 0
  FROM attempts, unnest(ARRAY['v3v3', 'v12', 'bplus', 'v5iso', 'vcap']) r WHERE at > now() - interval '7 days'
  GROUP BY 1, 2, 3, 5;
INSERT INTO courses (attempt_id, steps, before, after)
  SELECT id, '[["rails", 250, "ok"], ["backup", 9000, "ok"], ["act", 3000, "ok"]]', '[]', '[]'
  FROM attempts ORDER BY id DESC LIMIT {_DETAILED};
INSERT INTO sealed_lines (attempt_id, line) SELECT id, '{{}}' FROM attempts ORDER BY id DESC LIMIT {_DETAILED};
INSERT INTO measurements (attempt_id, phase, rail, mv, uncertainty, verdict)
  SELECT id, 'proof', r, 3300 + id % 7, 53, 'pass' FROM
    (SELECT id FROM attempts ORDER BY id DESC LIMIT {_DETAILED}) newest,
    unnest(ARRAY['v3v3', 'v12', 'bplus', 'v5iso', 'vcap']) r;
INSERT INTO ledger (bench, number, at, kind, body, hash)
  SELECT 'bench' || 1 + n % {BENCHES}, n, now(), 'audit', '{{}}', md5(n::text) FROM generate_series(1, 200000) n;
"""


def measure_store(folder: Path, url: str, server_cpu_s: Callable[[], float]) -> Iterator[tuple[str, float, float, int]]:
    """Each page with its time and CPU time (ours and the server's) in ms, the middle of some rounds, and its status.

    `url`: an empty database; `server_cpu_s`: what the server has used by now.
    """
    Store.open(url).close()
    began = time.perf_counter()
    with psycopg.connect(url.replace("postgresql+psycopg", "postgresql"), autocommit=True) as connection:
        connection.execute(_FILL)
        connection.execute("VACUUM ANALYZE")
        newest = connection.execute("SELECT sha256, unit_id, label FROM attempts ORDER BY id DESC LIMIT 1").fetchone()
    if newest is None:
        raise SystemExit("nothing was made")
    yield f"{ATTEMPTS:,} attempts made", 1000 * (time.perf_counter() - began), 0.0, 200
    fleet = Fleet(Config(), folder / "page", url)
    connected = NoHelpers()
    client = TestClient(create_page(fleet, Hall(connected, fleet.desk), connected.events), client=("127.0.0.1", 1))  # type: ignore[arg-type]
    sha256, unit, label = newest
    for path in (
        "/benches",
        "/line",
        "/line?by=cause",
        "/line?by=customer",
        "/line?bench=bench7",
        "/attempts",
        "/attempts?sort=duration",
        "/attempts?cause=no-vcap&ended=not",
        "/units",
        f"/units?q={label}",
        f"/units/{unit}",
        f"/attempts/{sha256}",
        f"/attempts/{sha256}/beside",
        "/figures?days=7",
        "/figures/slow?days=7",
        "/backups",
        "/health",
        "/releases",
    ):
        times, spent, status = [], [], 0
        for _round in range(ROUNDS):
            began, cpu = time.perf_counter(), time.process_time() + server_cpu_s()
            status = client.get(path).status_code
            times.append(1000 * (time.perf_counter() - began))
            spent.append(1000 * (time.process_time() + server_cpu_s() - cpu))
        yield path.replace(sha256, "SHA256"), statistics.median(times), statistics.median(spent), status
    fleet.store.close()
