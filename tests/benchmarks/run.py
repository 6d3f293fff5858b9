"""`make bench`: what a whole megabyte costs the agent, OpenOCD and pyOCD on the same twin, in one run and one table.

With --write the table goes into docs/performance.md as well. A peer that is not installed is left out by name. All
figures but the wall time are deterministic.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from by_agent import rescue, rescue_with
from by_openocd import is_installed, openocd_on
from by_pyocd import pyocd_on
from megabyte import BLANK, CHANGED, FULL, HALF_ON, megabyte
from pages import DOCS, asked_to_write
from performance_page import Figures, Peer, rows, write_page
from rich.console import Console
from rich.table import Table

from bmsrescue.twin.rig import default_card

SLOW_HZ = 4_000_000
FAST_HZ = 10_000_000
NOTHING = Peer(None, None, None, None, None)


def by_openocd(image: bytes) -> Peer:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = folder / "megabyte.bin"
        file.write_bytes(image)
        with openocd_on(BLANK, folder) as openocd:
            program, verify, read = openocd.program(file), openocd.verify(file), openocd.read()
        with openocd_on(CHANGED, folder) as openocd:
            changed = openocd.program(file) + openocd.verify(file)
    # It erases what is blank as well: a part that is full costs it the same.
    return Peer(program, verify, program + verify, changed, read)


def by_pyocd(image: bytes) -> Peer:
    with pyocd_on(BLANK, SLOW_HZ) as pyocd:
        blank, read = pyocd.program(image), pyocd.read()
    with pyocd_on(FULL, SLOW_HZ) as pyocd:
        full = pyocd.program(image)
    with pyocd_on(CHANGED, SLOW_HZ) as pyocd:
        changed = pyocd.program(image)
    return Peer(blank, read, full, changed, read)


def measure() -> Figures:
    image = megabyte()
    blank = rescue(image, BLANK, SLOW_HZ)
    full = rescue(image, FULL, SLOW_HZ)
    fast = rescue(image, FULL, FAST_HZ)
    changed = rescue(image, CHANGED, SLOW_HZ)
    half_on = rescue_with(default_card(), HALF_ON)
    for run in (blank, full, fast, changed, half_on):
        if run.outcome != "RECOVERED":
            raise SystemExit(f"a run of the agent did not recover the unit: {run.outcome}")
    agent = Peer(
        blank.steps["act"],
        full.steps["verify"],
        full.steps["act"],
        changed.steps["map"] + changed.steps["act"],
        full.steps["backup"],
    )
    return Figures(
        agent,
        fast.steps["act"],
        full.steps,
        full.whole,
        half_on.steps,
        half_on.whole,
        by_openocd(image) if is_installed() else NOTHING,
        by_pyocd(image),
    )


def show(figures: Figures) -> None:
    table = Table(title="1 MiB, SWCLK 4 MHz where nothing else is said")
    for column in ("measure", "agent", "OpenOCD 0.12", "pyOCD", "target"):
        table.add_column(column, justify="left" if column == "measure" else "right")
    for row in rows(figures):
        table.add_row(
            row.what, row.agent + ("  (missed)" if row.met is False else ""), row.openocd, row.pyocd, row.target
        )
    if figures.openocd is NOTHING:
        table.caption = "OpenOCD is left out: openocd or cc is not installed"
    console = Console(width=120)
    console.print(table)
    for what, whole in (("a full part", figures.whole), ("half-on", figures.half_on)):
        console.print(f"whole rescue of {what}: {whole.virtual_s:.1f} s of the unit's time, ", end="")
        console.print(f"{whole.wall_s:.1f} s on this machine")


def main() -> None:
    figures = measure()
    show(figures)
    if asked_to_write():
        write_page(DOCS / "performance.md", figures)


if __name__ == "__main__":
    main()
