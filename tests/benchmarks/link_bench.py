"""What the link costs: a small call against a bare echo, a file to the card against a bare loop and `mpremote fs cp`,
pyOCD's reads against the agent's own, the agent's heap, the daemon's memory.

All peers run on the same MicroPython, in processes of their own, behind a pty, in turns. Wall time, so the figures are
this machine's; the ratios are what counts, and beside each stands what it has to be. `make bench` prints the table.
"""

from __future__ import annotations

import contextlib
import math
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import serial
from judged import judged
from link_weight import HELPERS, READ_BYTES, daemon_resident_bytes, link_heap_bytes, read_both_ways
from pages import DOCS, as_markdown, asked_to_write, put_between
from rich.console import Console
from rich.table import Table

from bmsrescue.link.card_stream import write_file
from bmsrescue.link.client import LinkClient
from bmsrescue.twin.helper.helper import VirtualHelper
from bmsrescue.twin.helper.serial_port import PtyPort
from bmsrescue.twin.helper.wire import wire_over
from bmsrescue.twin.rig import default_card
from bmsrescue.twin.scenarios import find
from bmsrescue.twin.scenarios.scenario import build_unit
from bmsrescue.twin.serial_twin import SerialTwin

SCRIPTS = Path(__file__).with_name("scripts")
FILE_BYTES = 128 * 1024
SMALL = b"12345678"
FRAME_BYTES = 37  # of the small call, which the bare echo sends, too
CALLS = 500
COPIES = 31  # of each peer, in turns: a bare loop takes three times as long when its pieces fall between blocks
AGENT = "agent"
BEGIN, END = "<!-- link: made by `make bench` -->", "<!-- end of the link -->"
_PEER_LIMIT_S = 60


def serve(what: str) -> None:
    """In a process of its own: the agent, or one of the bare scripts, behind a pty until it is ended."""
    with PtyPort() as port:
        print(port.url, flush=True)
        if what == AGENT:
            SerialTwin(find("healthy"), default_card(), port=port).run()
            return
        unit = build_unit(find("healthy"), 0)
        helper = VirtualHelper(unit, wire_over(unit.swd), default_card(), presses=(), wall_limit_s=math.inf)
        helper.run(SCRIPTS / what, {"bytes": FILE_BYTES}, port.fd)


@contextlib.contextmanager
def served(what: str) -> Iterator[str]:
    process = subprocess.Popen([sys.executable, __file__, what], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()


def timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def exchange(port: serial.SerialBase, data: bytes, answer_bytes: int) -> None:
    port.write(data)
    received = 0
    while received < answer_bytes:
        received += len(port.read(max(1, port.in_waiting)))


def round_trips(table: Table) -> None:
    with served("bare_echo.py") as bare, served(AGENT) as agent, LinkClient(agent) as client:
        client.hello("bench", timeout_s=30)
        port = serial.serial_for_url(bare, timeout=1)
        message = b"x" * FRAME_BYTES
        bare_s, agent_s = [], []
        for _ in range(CALLS):
            bare_s.append(timed(lambda: exchange(port, message, FRAME_BYTES)))
            agent_s.append(timed(lambda: client.call("helper.echo", SMALL)))
    echo, call = statistics.median(bare_s), statistics.median(agent_s)
    table.add_row("bare pyserial echo", f"{FRAME_BYTES} bytes", f"{echo * 1e6:.0f} us", "1")
    ratio = judged(call / echo, call / echo < 3)
    table.add_row("small call", f"echo of {len(SMALL)} bytes", f"{call * 1e6:.0f} us", ratio, "under 3")


def copies(table: Table) -> None:
    data = random.Random(1).randbytes(FILE_BYTES)
    with served("bare_sink.py") as bare, served(AGENT) as agent, LinkClient(agent) as client:
        client.hello("bench", timeout_s=30)
        port = serial.serial_for_url(bare, timeout=10)
        bare_s, agent_s = [], []
        for _ in range(COPIES):
            bare_s.append(timed(lambda: exchange(port, data, 1)))
            agent_s.append(timed(lambda: copy(client, data)))
        assert client.call("card.size", "bench.bin") == FILE_BYTES
    mpremote_s = timed_mpremote(data)
    loop, ours = statistics.median(bare_s), statistics.median(agent_s)
    what = f"{FILE_BYTES // 1024} KiB to the card"
    table.add_row("bare pyserial loop", what, kib_per_s(loop), "1")
    table.add_row(
        "host -> agent -> card", what, kib_per_s(ours), judged(loop / ours, loop / ours >= 0.6), "at least 0.6"
    )
    faster = mpremote_s / ours
    table.add_row("mpremote fs cp", what, kib_per_s(mpremote_s), f"{loop / mpremote_s:.3f}")
    table.add_row("agent against mpremote", what, "", judged(faster, faster >= 5), "at least 5")


def kib_per_s(seconds: float) -> str:
    return f"{FILE_BYTES / 1024 / seconds:,.0f} KiB/s"


def weights(table: Table) -> None:
    with served(AGENT) as url:
        with LinkClient(url) as client:
            client.hello("bench", timeout_s=30)  # it may still be starting
        reads = read_both_ways(url)
    per_kib = reads.pyocd_frames / (READ_BYTES / 1024)
    ratio = reads.pyocd_cycles / reads.own_cycles
    what = f"{READ_BYTES // 1024} KiB of flash"
    table.add_row("agent's own block read", what, f"{reads.own_cycles:,} SWCLK", "1")
    table.add_row("pyOCD through it", what, f"{reads.pyocd_cycles:,} SWCLK", judged(ratio, ratio <= 1.3), "at most 1.3")
    table.add_row("", "frames per KiB", f"{reads.pyocd_frames} frames", judged(per_kib, per_kib <= 1), "at most 1")
    heap, in_use = (taken / 1024 for taken in link_heap_bytes())
    resident = daemon_resident_bytes() / 1024 / 1024
    table.add_row("the agent's link", "session open", f"{heap:.1f} KiB", judged(heap / 24, heap <= 24), "24 KiB")
    table.add_row("", "and a group of methods", f"{in_use:.1f} KiB", f"{in_use / 24:.2f}", "")
    table.add_row(
        "daemon", f"{HELPERS} helpers idle", f"{resident:.0f} MiB", judged(resident / 80, resident < 80), "80 MiB"
    )


def copy(client: LinkClient, data: bytes) -> None:
    write_file(client, "bench.bin", 0, data, timeout_s=_PEER_LIMIT_S)
    client.call("card.close")


def timed_mpremote(data: bytes) -> float:
    """Seconds that `mpremote fs cp` takes, without the ones that it takes to start and enter the prompt."""
    from pty_board import PtyBoard

    with tempfile.TemporaryDirectory() as folder, PtyBoard(Path(folder)) as board:
        source = Path(folder) / "source.bin"

        def cp(content: bytes) -> float:
            source.write_bytes(content)
            # "resume": without a soft reset, which the unix port does not have.
            command = [sys.executable, "-m", "mpremote", "connect", board.url, "resume", "fs", "cp"]
            command += [str(source), ":copy.bin"]
            return timed(lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=_PEER_LIMIT_S))

        start_s = cp(b"x")
        return cp(data) - start_s


def main() -> None:
    table = Table("peer", "what", "figure", "ratio", "has to be", title="The link")
    round_trips(table)
    copies(table)
    weights(table)
    Console(width=100).print(table)
    if asked_to_write():
        put_between(DOCS / "performance.md", BEGIN, END, as_markdown(table))


if __name__ == "__main__":
    if len(sys.argv) > 1 and not asked_to_write():
        serve(sys.argv[1])
    else:
        main()
