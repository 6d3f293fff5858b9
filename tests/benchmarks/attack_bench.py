"""What a neighbour's attack costs: 2,000 log-in attempts a minute, 1,000 connections that ask for nothing.

An operator, who is logged in, opens the wall meanwhile. Prints how long that takes and what the daemon weighs.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import socket
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import IO, Any

import httpx
from judged import judged
from rich.console import Console

from bmsrescue.config import Config
from bmsrescue.fleet.fleet import Fleet
from daemon_process import started

PASSWORD = "correct horse battery"
ATTEMPTS_A_MINUTE, LASTS_S, HALF_OPEN = 2000, 30.0, 1000
PAUSE_S = 0.2
PAGE_LIMIT_MS, MEMORY_LIMIT_MIB = 1000.0, 256.0


def main() -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        fleet = Fleet(Config(), folder)
        for name, role in (("eva", "engineer"), ("otto", "operator")):
            fleet.accounts.add(name, role, PASSWORD, "setup")
        fleet.store.close()
        with started(folder, "serve", "--port", "0", "--stations") as process:
            if process.stdout is None or process.stderr is None:
                sys.exit("no standard output")
            threading.Thread(target=_count_log, args=(process.stderr,), daemon=True).start()
            where = process.stdout.readline().removeprefix("listening: ").strip()
            port = int(where.rpartition(":")[2])
            operator = httpx.Client(base_url=where, trust_env=False, timeout=30)
            if operator.post("/login", data={"name": "otto", "password": PASSWORD}).status_code != 303:
                sys.exit("the operator cannot log in")
            quiet = _pages(operator, 5.0)
            # Processes of their own: the operator's client would else wait for their turn with the interpreter.
            over = multiprocessing.Event()
            attack = [
                multiprocessing.Process(target=_log_ins, args=(where, over, _tries), daemon=True),
                multiprocessing.Process(target=_half_open, args=(port, over, _opened), daemon=True),
            ]
            for one in attack:
                one.start()
            before_s = _cpu_s(process.pid)
            loud = _pages(operator, LASTS_S)
            cpu_s = _cpu_s(process.pid) - before_s
            peak_mib = _peak_mib(process.pid)
            over.set()
            for one in attack:
                one.join(30)
    print(f"the wall without an attack: half within {statistics.median(quiet):.0f} ms, all within {max(quiet):.0f} ms")
    print(f"the wall meanwhile: half within {statistics.median(loud):.0f} ms, {len(loud)} times")
    slowest_ms = max(loud)
    console.print(f"the slowest: {judged(slowest_ms, slowest_ms <= PAGE_LIMIT_MS, 0)} ms (at most {PAGE_LIMIT_MS:g})")
    weight = judged(peak_mib, peak_mib < MEMORY_LIMIT_MIB, 0)
    console.print(f"the daemon's largest memory: {weight} MiB (below {MEMORY_LIMIT_MIB:g})")
    print(f"that was {_slowest_at(loud):.0f} s after the beginning; load of the machine {os.getloadavg()[0]:.1f}")
    print(f"in {LASTS_S:g} s: {_tries.value:,} log-ins tried, {_opened.value:,} connections opened,")
    print(f"{cpu_s:.1f} s of the daemon's processor time, {_counts['log']:,} characters of log")


console = Console()
_tries, _opened = multiprocessing.Value("i", 0), multiprocessing.Value("i", 0)
_counts = {"log": 0}


def _count_log(lines: IO[str]) -> None:
    for line in lines:
        _counts["log"] += len(line)


def _pages(operator: httpx.Client, seconds: float) -> list[float]:
    took = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        began = time.perf_counter()
        # A connection of its own each time: one that is open already would be too easy.
        operator.get("/", headers={"Accept": "text/html", "Connection": "close"}).raise_for_status()
        took.append(1000 * (time.perf_counter() - began))
        time.sleep(PAUSE_S)
    return took


def _log_ins(where: str, over: Any, count: Any) -> None:
    def tries(first: int) -> None:
        with httpx.Client(base_url=where, trust_env=False, timeout=30) as client:
            while not over.wait(60 * 8 / ATTEMPTS_A_MINUTE):
                with contextlib.suppress(httpx.HTTPError):
                    headers = {"X-Forwarded-For": f"192.0.2.{count.value % 250}"}
                    name = "otto" if count.value % 2 else f"name-{first}-{count.value}"
                    client.post("/login", data={"name": name, "password": "wrong password"}, headers=headers)
                with count.get_lock():
                    count.value += 1

    workers = [threading.Thread(target=tries, args=(number,), daemon=True) for number in range(8)]
    for one in workers:
        one.start()
    for one in workers:
        one.join()


def _half_open(port: int, over: Any, count: Any) -> None:
    """Always so many: those that were closed are opened again."""
    held: list[socket.socket] = []
    while not over.is_set():
        alive = []
        for one in held:
            try:
                closed = one.recv(1, socket.MSG_DONTWAIT) == b""
            except BlockingIOError:
                closed = False
            except OSError:
                closed = True
            if closed:
                one.close()
            else:
                alive.append(one)
        held = alive
        while len(held) < HALF_OPEN and not over.is_set():
            try:
                one = socket.create_connection(("127.0.0.1", port), timeout=5)
            except OSError:
                break
            one.sendall(b"GET / HTTP/1.1\r\nHost: 127")
            held.append(one)
            count.value += 1
        over.wait(0.05)
    for one in held:
        one.close()


def _slowest_at(took_ms: list[float]) -> float:
    """Seconds after the first page."""
    at = took_ms.index(max(took_ms))
    return sum(took_ms[:at]) / 1000 + at * PAUSE_S


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _peak_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


if __name__ == "__main__":
    main()
