"""`make bench`: what a whole megabyte costs the agent, OpenOCD and pyOCD on the same twin, in one run and one table.

SWCLK cycles and virtual time are deterministic; wall time is this machine's. A peer that is not installed is left out
by name. The image is the unit's firmware with seeded noise behind it, as long as the flash.
"""

from __future__ import annotations

import random
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from pyocd.core.helpers import ConnectHelper
from pyocd.flash.loader import FlashLoader
from rich.console import Console
from rich.table import Table

from bmsrescue.card.build import describe_job
from bmsrescue.card.fat import make_image
from bmsrescue.card.image_file import FLASH_BASE, Segment
from bmsrescue.twin.bench import TwinBench, Watcher
from bmsrescue.twin.board.unit import Unit, build_unit
from bmsrescue.twin.firmware import image_bytes
from bmsrescue.twin.scenarios import find
from openocd_judge import build_shim, run_openocd
from served_unit import ServedUnit

FLASH_BYTES = 1024 * 1024
SWCLK_HZ = 4_000_000
NS_PER_S = 1_000_000_000
# What the flash itself takes at x64 parallelism, typically: 8 sectors of 1 s and 32768 words of 100 us.
FLASH_ALONE_S = 8 * 1.0 + FLASH_BYTES / 32 * 100e-6


@dataclass
class Row:
    who: str
    what: str
    swclk_cycles: int
    virtual_s: float
    wall_s: float

    def cells(self) -> tuple[str, ...]:
        per_byte = self.swclk_cycles / FLASH_BYTES
        return (
            self.who,
            self.what,
            f"{self.swclk_cycles:,}",
            f"{per_byte:.3f}" if per_byte < 1 else f"{per_byte:.2f}",
            f"{self.virtual_s:.1f}",
            f"{self.wall_s:.1f}",
        )


class Meter:
    """Takes one row at a time: `row` says what it cost since the last."""

    def __init__(self, who: str, unit: Unit) -> None:
        self._who = who
        self._unit = unit
        self.begin()

    def begin(self) -> None:
        self._cycles = self._unit.chip.counters.swclk_cycles
        self._ns = self._unit.clock.now_ns
        self._wall = time.monotonic()

    def row(self, what: str) -> Row:
        cycles = self._unit.chip.counters.swclk_cycles - self._cycles
        virtual_s = (self._unit.clock.now_ns - self._ns) / NS_PER_S
        row = Row(self._who, what, cycles, virtual_s, time.monotonic() - self._wall)
        self.begin()
        return row


def megabyte() -> bytes:
    """The unit's firmware, then noise, as long as the flash."""
    firmware = image_bytes()
    return firmware + random.Random(1).randbytes(FLASH_BYTES - len(firmware))


def by_agent(image: bytes) -> list[Row]:
    """One press of the dongle's button on a blank unit: the steps that work on the flash, and the whole."""
    rows: list[Row] = []
    names = {
        "map": "map (CRC on the core)",
        "backup": "backup",
        "act": "erase + program + verify",
        "verify": "verify (CRC on the core)",
    }

    def watch(_at_ms: int, name: str, data: object) -> None:
        step = data.get("name") if isinstance(data, dict) else None
        if name == "step":
            meter.begin()
        elif name == "step-end" and step in names:
            rows.append(meter.row(names[step]))

    card = make_image(describe_job("megabyte", "bench", [Segment(FLASH_BASE, image)]))
    bench = TwinBench(find("blank"), card, watcher=Watcher(event=watch))
    meter = Meter("agent", bench.unit)
    result = bench.run()
    outcome = result.record["outcome"] if result.record else result.how
    rows.append(Row("agent", f"whole rescue ({outcome})", result.swclk_cycles, result.virtual_ms / 1000, result.wall_s))
    return rows


def by_openocd(image: bytes, folder: Path) -> list[Row]:
    """OpenOCD with its stm32h7x driver and loader. Each row holds a session's own start as well."""
    file = folder / "megabyte.bin"
    file.write_bytes(image)
    served = ServedUnit(build_unit(find("blank")))
    shim = build_shim(shutil.which("cc") or "cc", folder)
    program = shutil.which("openocd") or "openocd"
    rows: list[Row] = []
    try:
        meter = Meter("OpenOCD 0.12", served.unit)
        for what, command in (
            ("erase + program", f"flash write_image erase {file} {FLASH_BASE:#x} bin"),
            ("verify_image", f"verify_image {file} {FLASH_BASE:#x} bin"),
            ("dump_image", f"dump_image {folder / 'dump.bin'} {FLASH_BASE:#x} {FLASH_BYTES:#x}"),
        ):
            run_openocd(program, shim, served, "reset halt", command, ahead=True)
            rows.append(meter.row(what))
    finally:
        served.close()
    return rows


def by_pyocd(image: bytes) -> list[Row]:
    """pyOCD with its stm32h723xx target and flash algorithm."""
    session = ConnectHelper.session_with_chosen_probe(
        unique_id="bmsrescue:twin:blank",
        target_override="stm32h723xx",
        connect_mode="halt",
        blocking=False,
        return_first=True,
        options={"frequency": SWCLK_HZ, "hide_programming_progress": True},
    )
    with session:
        meter = Meter("pyOCD", session.probe.link.unit)
        loader = FlashLoader(session, chip_erase="sector")
        loader.add_data(FLASH_BASE, image)
        loader.commit()
        rows = [meter.row("erase + program")]
        session.target.read_memory_block32(FLASH_BASE, FLASH_BYTES // 4)
        rows.append(meter.row("read back (compare)"))
    return rows


def main() -> None:
    image = megabyte()
    table = Table(
        title=f"1 MiB on a blank unit, SWCLK {SWCLK_HZ // 1_000_000} MHz; the flash alone: {FLASH_ALONE_S:.1f} s"
    )
    for column, justify in (("who", "left"), ("what", "left"), ("SWCLK cycles", "right"), ("per byte", "right")):
        table.add_column(column, justify=justify)  # type: ignore[arg-type]
    for column in ("virtual s", "wall s"):
        table.add_column(column, justify="right")
    with tempfile.TemporaryDirectory() as name:
        rows = by_agent(image)
        rows += by_pyocd(image)
        if shutil.which("openocd") and shutil.which("cc"):
            rows += by_openocd(image, Path(name))
        else:
            table.caption = "OpenOCD is left out: openocd or cc is not installed"
    for row in rows:
        table.add_row(*row.cells())
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
