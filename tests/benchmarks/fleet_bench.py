"""What mass recovery costs: imports, pages over 100,000 attempts, kill -9 at random moments, 16 virtual stations.

`make bench-fleet` prints the figures; parts of it: `make bench-fleet FLEET="import pages kills daemon stations"`;
`KILLS=10`: fewer kills; `KEEP=FOLDER`: where the server stays, with the store that was filled. Times are this
machine's, and of whatever else it does; what a figure has to be stands beside it. PostgreSQL is a real server that
this program starts and ends.
"""

from __future__ import annotations

import functools
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import psycopg
from daemon_kills import kill_daemon
from selenium import webdriver
from sqlalchemy import Date, bindparam, select, text
from sqlalchemy.orm import Session
from store_bench import AFTER, ATTEMPTS, LIMIT_MS, measure_store, write_table

from bmsrescue.fleet import figures, ledger
from bmsrescue.fleet.backups import BackupFolder
from bmsrescue.fleet.forward import Forwarder, SharedLink
from bmsrescue.fleet.lookup import FoundUnit, find_units, unit_with
from bmsrescue.fleet.models import Attempt, LedgerEntry, Measurement, RailDay
from bmsrescue.fleet.models.base import UtcTime
from bmsrescue.fleet.records.cards import find_cards, import_card
from bmsrescue.fleet.records.rollups import count_anew
from bmsrescue.fleet.records.taking import IMPORT, LineTaker
from bmsrescue.fleet.store import Store, sqlite_url
from postgres_server import PostgresServer, running_server
from sealed_records import chain, sample, write_card

IMPORTED = 10_000
STORED, COPIES = 100_000, 365
ROUNDS = 5
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
KILLS = int(os.environ.get("KILLS", "100"))
STATIONS, WATCHED_S = 16, 60.0
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Line:
    """A figure: what, how much, and what it has to be."""

    what: str
    measured: str
    target: str
    kept: bool


def main(parts: list[str]) -> None:
    """Measure the named parts, all of them by default."""
    wanted = parts or ["import", "pages", "kills", "daemon", "stations", "store"]
    measures: dict[str, Callable[[Path, PostgresServer], Iterator[Line]]] = {
        "import": measure_import,
        "pages": measure_pages,
        "kills": measure_kills,
        "daemon": measure_daemon,
        "stations": measure_stations,
        "store": measure_every_bench,
    }
    kept = Path(os.environ["KEEP"]).resolve() if "KEEP" in os.environ else None
    with tempfile.TemporaryDirectory(prefix="bmsrescue-bench-") as folder, running_server(kept) as server:
        for name in wanted:
            for line in measures[name](Path(folder), server):
                kept = "" if line.kept else "   MISSED"
                print(f"{line.what:64}  {line.measured}  (has to be {line.target}){kept}", flush=True)


def measure_every_bench(folder: Path, server: PostgresServer) -> Iterator[Line]:
    """The page over every bench's records, as `bmsrescue serve --store` serves it."""
    cpu_s = functools.partial(_tree_cpu_s, server.pid)
    rows: list[tuple[str, float, float]] = []
    url = new_database(server, f"every_bench_{ATTEMPTS}")
    for what, ms, cpu_ms, status in measure_store(folder, url, cpu_s):
        if "made" in what:
            yield Line(what, f"{ms / 1000:.0f} s", "no limit set", True)
            continue
        target = "no limit set" if what.startswith(AFTER) else f"< {LIMIT_MS} ms"
        kept = (ms < LIMIT_MS or what.startswith(AFTER)) and status == 200
        rows.append((what, ms, cpu_ms))
        yield Line(f"every bench: {what}", f"{ms:.0f} ms (CPU {cpu_ms:.0f} ms, status {status})", target, kept)
    if page := os.environ.get("TABLE"):
        write_table(Path(page), rows)


# -- imports and pages -------------------------------------------------------------------------------------------------


def measure_import(folder: Path, server: PostgresServer) -> Iterator[Line]:
    """A card with whole records, as a helper writes them."""
    card = write_card(folder / "card", chain("pocket", IMPORTED))
    for name, url in (("SQLite", sqlite_url(folder / "import")), ("PostgreSQL", new_database(server))):
        with opened(url) as (store, bench):
            began, cpu, of_server = time.perf_counter(), time.process_time(), _tree_cpu_s(server.pid)
            report = import_card(store, bench, BackupFolder(str(folder / "backups")), find_cards(card)[0])
            rate = IMPORTED / (time.perf_counter() - began)
            alone = IMPORTED / (time.process_time() - cpu)
            assert report.taken.new == IMPORTED
            served = 1e6 * (_tree_cpu_s(server.pid) - of_server) / IMPORTED
        told = f"{rate:,.0f} a second ({alone:,.0f} a second of this process's CPU"
        told += f", {served:.0f} us a record of the server's)" if name == "PostgreSQL" else ")"
        yield Line(f"import of {IMPORTED:,} records, {name}", told, ">= 2,000", rate >= 2000)


def measure_pages(folder: Path, server: PostgresServer) -> Iterator[Line]:
    """Search, Pareto and yield over many attempts of a year, each the median of some rounds."""
    for name, url in (("SQLite", sqlite_url(folder / "pages")), ("PostgreSQL", new_database(server))):
        with opened(url) as (store, bench):
            fill(store, bench)
            with store.read() as session:
                some = find_units(session, "")[50]
            for what, ask, limit_ms in PAGES:
                ms, cpu_ms = median_ms(store, functools.partial(ask, some))
                target = f"< {limit_ms} ms" if limit_ms else "no limit set"
                kept = limit_ms is None or ms < limit_ms
                yield Line(
                    f"{STORED:,} attempts, {name}: {what}", f"{ms:.0f} ms (CPU here {cpu_ms:.0f} ms)", target, kept
                )


def _search(some: FoundUnit, session: Session) -> object:
    return find_units(session, (some.uid or "")[6:14])


def _history(some: FoundUnit, session: Session) -> object:
    return unit_with(session, some.id)


def _pareto(_some: FoundUnit, session: Session) -> object:
    return [ask(session, LONG_AGO) for ask in (figures.pareto, figures.outcomes, figures.by_firmware)]


def _yield(_some: FoundUnit, session: Session) -> object:
    return figures.weekly_yield(session, LONG_AGO), figures.no_fault_found(session, LONG_AGO)


def _passes(_some: FoundUnit, session: Session) -> object:
    return figures.bounced(session, LONG_AGO), figures.first_pass(session, LONG_AGO)


def _rails(_some: FoundUnit, session: Session) -> object:
    return figures.rail_spreads(session, "proof", LONG_AGO)


PAGES = (
    ("unit search by a part", _search, 300),
    ("a unit's history", _history, 300),
    ("Pareto, outcomes, firmware", _pareto, 300),
    ("yield", _yield, 300),
    ("first pass, came back (after the page)", _passes, None),
    ("rails (after the page)", _rails, None),
)


def fill(store: Store, bench: str) -> None:
    """A day's attempts as a helper makes them, then copied under other names to each day of a year."""
    slim = sample()
    evidence = {"expected": slim["evidence"]["expected"]}
    lines = chain("pocket", -(-STORED // COPIES), evidence=evidence, steps=slim["steps"][:3])
    taker = LineTaker("bench", IMPORT)
    with store.write() as session:
        taker.take(session, bench, lines)
    for copy in range(1, COPIES):
        with store.write() as session:
            at = ledger.now() - timedelta(days=copy)
            for statement in _COPY:
                mark = f"{'KLMN'[copy // 100]}{copy % 100:02d}"
                values = {"mark": mark, "helper": f"pocket-{copy}", "at": at, "day": at.date()}
                session.execute(statement, values)
    with store.write() as session:
        count_anew(session)
    with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))


def _columns(table: type, *without: str) -> list[str]:
    return [column.name for column in table.__table__.columns if column.name not in without]  # type: ignore[attr-defined]


_SAME = ", ".join(_columns(Attempt, "id", "helper", "unit_id", "at", "sha256"))
_SPREAD = ", ".join(_columns(RailDay, "day", "station"))
_MEASURED = ", ".join(_columns(Measurement, "attempt_id"))
_COPY = (
    text(
        "INSERT INTO units (uid, chip, first_seen) SELECT :mark || substr(u.uid, 4), u.chip, u.first_seen "
        "FROM units u JOIN attempts a ON a.unit_id = u.id WHERE a.helper = 'pocket'"
    ),
    text(
        f"INSERT INTO attempts (helper, unit_id, at, sha256, {_SAME}) "
        f"SELECT :helper, u2.id, :at, :mark || substr(sha256, 4), {_SAME} FROM attempts a "
        "JOIN units u ON u.id = a.unit_id JOIN units u2 ON u2.uid = :mark || substr(u.uid, 4) WHERE a.helper = 'pocket'"
    ).bindparams(bindparam("at", type_=UtcTime())),
    text(
        f"INSERT INTO measurements (attempt_id, {_MEASURED}) SELECT a2.id, {_MEASURED} FROM measurements m "
        "JOIN attempts a ON a.id = m.attempt_id AND a.helper = 'pocket' "
        "JOIN attempts a2 ON a2.helper = :helper AND a2.sequence = a.sequence"
    ),
    text(
        f"INSERT INTO rail_days (day, station, {_SPREAD}) SELECT :day, :helper, {_SPREAD} FROM rail_days "
        "WHERE station = 'pocket'"
    ).bindparams(bindparam("day", type_=Date())),
)


def median_ms(store: Store, ask: Callable[[Session], object]) -> tuple[float, float]:
    """One page's questions, each time in a session of its own; and this process's part of it."""
    taken, cpu = [], []
    for _round in range(ROUNDS):
        with store.read() as session:
            began, cpu_began = time.perf_counter(), time.process_time()
            ask(session)
            taken.append(1000 * (time.perf_counter() - began))
            cpu.append(1000 * (time.process_time() - cpu_began))
    return statistics.median(taken), statistics.median(cpu)


# -- kills -------------------------------------------------------------------------------------------------------------

_WORKER = """
import sys
from bmsrescue.fleet import forward, ledger
from bmsrescue.fleet.backups import BackupFolder
from bmsrescue.fleet.records import cards
from bmsrescue.fleet.store import Store
forward._ENTRIES_AT_ONCE = cards._LINES_AT_ONCE = 20
own, shared = Store.open(sys.argv[1]), Store.open(sys.argv[2])
with own.write() as session:
    bench = ledger.own_site(session)
print("ready", flush=True)
forwarder = forward.Forwarder(own, shared, bench)
card = cards.find_cards(cards.Path(sys.argv[3]))[0]
for _turn in range(1000):
    cards.import_card(own, bench, BackupFolder(sys.argv[3] + "-backups"), card)
    while forwarder.turn().more:
        pass
"""


def measure_kills(folder: Path, server: PostgresServer) -> Iterator[Line]:
    """A bench that imports and forwards is killed at random moments; then PostgreSQL is, under the same load."""
    rng = random.Random("kills")
    lines = chain("h1", 4 * KILLS)
    own, shared_url = sqlite_url(folder / "killed"), new_database(server)
    for kill in range(1, KILLS + 1):
        card = write_card(folder / "killed-card", lines[: 4 * kill])
        arguments = [sys.executable, "-c", _WORKER, own, shared_url, str(card)]
        with subprocess.Popen(arguments, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(rng.uniform(0.0, 0.25))
            process.send_signal(signal.SIGKILL)
    yield compared(f"kill -9 of a bench, {KILLS} times", own, shared_url, lines)

    lines = chain("h2", 4 * KILLS)
    own, shared_url = sqlite_url(folder / "served"), new_database(server)
    with opened(own) as (store, bench):
        link = SharedLink(store, shared_url, bench, "bench")
        taker = LineTaker("bench", IMPORT)
        for kill in range(KILLS):
            with store.write() as session:
                taker.take(session, bench, lines[4 * kill : 4 * kill + 4])
            link.catch_up()
            with subprocess.Popen([sys.executable, "-c", _kill_soon(server.pid, rng.uniform(0.0, 0.05))]):
                for _try in range(20):
                    link.catch_up()
            server.restart_after_kill()
        link.close()
    yield compared(f"kill -9 of PostgreSQL, {KILLS} times", own, shared_url, lines)


def _kill_soon(pid: int, seconds: float) -> str:
    return f"import os, time; time.sleep({seconds}); os.kill({pid}, 9)"


def compared(what: str, own_url: str, shared_url: str, lines: list[str]) -> Line:
    """Whether both stores hold each attempt once, and the ledgers are the same."""
    with opened(own_url) as (own, bench), opened(shared_url) as (shared, _shared_bench):
        taker = LineTaker("bench", IMPORT)
        with own.write() as session:
            taker.take(session, bench, lines)
        forwarder = Forwarder(own, shared, bench)
        while forwarder.turn().more:
            pass
        counts = []
        for store in (own, shared):
            with store.read() as session:
                sequences = list(session.scalars(select(Attempt.sequence).order_by(Attempt.id)))
                numbers = list(session.scalars(select(LedgerEntry.number).where(LedgerEntry.bench == bench)))
            counts.append((sequences, sorted(numbers)))
    wanted = list(range(1, len(lines) + 1))
    lost = sum(len(set(wanted) - set(sequences)) for sequences, _numbers in counts)
    doubled = sum(len(sequences) - len(set(sequences)) for sequences, _numbers in counts)
    same = counts[0][1] == counts[1][1] and counts[1][0] == wanted
    told = f"{lost} lost, {doubled} doubled, {'in order' if same else 'OUT OF ORDER'}"
    return Line(what, told, "0 lost, 0 doubled", not lost and not doubled and same)


def measure_daemon(folder: Path, _server: PostgresServer) -> Iterator[Line]:
    """The daemon itself is killed while its stations recover units."""
    kept = kill_daemon(folder, KILLS)
    told = f"{len(kept.lost)} lost, {len(kept.doubled)} doubled of {kept.records} records"
    what = f"kill -9 of the daemon, {kept.kills} times, {kept.in_work} jobs cut"
    yield Line(what, told, "0 lost, 0 doubled", not kept.lost and not kept.doubled and kept.records > 0)


# -- stations ----------------------------------------------------------------------------------------------------------


def measure_stations(folder: Path, _server: PostgresServer) -> Iterator[Line]:
    """The daemon while all of its virtual stations recover units at once; the stations are processes of their own."""
    environment = {**os.environ, "BMSRESCUE_DATA": str(folder / "hall"), "BMSRESCUE_CONFIG": str(folder / "none.toml")}
    command = [sys.executable, "-c", "from bmsrescue.cli import main; main()"]
    arguments = ["serve", "--port", "0", "--twin", str(STATIONS)]
    with subprocess.Popen([*command, *arguments], env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().removeprefix("listening: ").strip()
        with wall_in_browser(url) as browser:
            deadline = time.monotonic() + 10 * WATCHED_S
            while _states(url)["working"] < STATIONS // 2 and time.monotonic() < deadline:
                time.sleep(1.0)
            browser.execute_script("window.late = []")
            cpu, began, ended = _cpu_s(process.pid), time.monotonic(), _attempts(url)
            working = []
            while time.monotonic() - began < WATCHED_S:
                working.append(_states(url)["working"])
                time.sleep(2.0)
            used, ended = _cpu_s(process.pid) - cpu, _attempts(url) - ended
            share = 100 * used / (time.monotonic() - began)
            late = sorted(browser.execute_script("return window.late"))
            lost, count = browser.execute_script("return [window.seenEvents.lost, window.seenEvents.count]")
        peak = _peak_mib(process.pid)
        process.send_signal(signal.SIGTERM)
        process.wait(60)
    at_work, told = statistics.mean(working), [f"{late[int(part * (len(late) - 1))]:.0f}" for part in (0.5, 0.95, 0.99)]
    what = f"{STATIONS} virtual stations, {at_work:.0f} at work: "
    yield Line(what + "CPU of the daemon", f"{share:.1f} % of one core", "< 25 %", share < 25)
    yield Line(what + "CPU for each attempt", f"{used / max(1, ended):.2f} s of {ended} attempts", "no limit set", True)
    yield Line(what + "memory of the daemon, at most", f"{peak:.0f} MiB", "< 150 MiB", peak < 150)
    shown = f"{', '.join(told)} ms (half, 95, 99 of 100)"
    yield Line(what + "an event is in the page after", shown, "< 250 ms", late[int(0.99 * (len(late) - 1))] < 250)
    yield Line(what + "events lost, counted in the browser", f"{lost} of {count:,}", "0", lost == 0)


@contextmanager
def wall_in_browser(url: str) -> Iterator[webdriver.Chrome]:
    """The wall in a headless Chromium that notes how late each event is shown (both sides have one clock)."""
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    with webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver"))) as browser:
        browser.get(url)
        browser.execute_script(
            "const shown = window.take; window.late = []; "
            "window.take = (event) => { shown(event); window.late.push(Date.now() - 1000 * event.at); }"
        )
        yield browser


def _states(url: str) -> Counter[str]:
    return Counter(station["state"] for station in httpx.get(f"{url}/api/fleet/stations", timeout=30).json())


def _attempts(url: str) -> int:
    return sum(sum(one["counts"].values()) for one in httpx.get(f"{url}/api/fleet/stations", timeout=30).json())


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _tree_cpu_s(pid: int) -> float:
    """Of a process and its children."""
    pids = [int(place.name) for place in Path("/proc").iterdir() if place.name.isdigit()]
    return sum(_cpu_s(one) for one in pids if one == pid or _parent(one) == pid)


def _parent(pid: int) -> int | None:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()[1])
    except (OSError, IndexError):
        return None  # it has just ended


def _peak_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmHWM:", 1)[1].split()[0]) / 1024


# -- stores ------------------------------------------------------------------------------------------------------------


@contextmanager
def opened(url: str) -> Iterator[tuple[Store, str]]:
    store = Store.open(url)
    try:
        with store.write() as session:
            bench = ledger.own_site(session)
        yield store, bench
    finally:
        store.close()


def new_database(server: PostgresServer, name: str = "") -> str:
    """An empty one, or the one of that name where a kept server has it."""
    name = name or f"bench_{random.randrange(10**9)}"
    with psycopg.connect(server.url(), autocommit=True) as connection:
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
            connection.execute(f"CREATE DATABASE {name}")
    return server.url(name)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the server is ended, too
    main(sys.argv[1:])
