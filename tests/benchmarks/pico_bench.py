"""What the agent reaches on an emulated Pico, and where the interpreter's time goes: docs/rp2040.md.

Emulated time at 125 MHz, the same on every machine. It takes minutes, and real firmware: the file that BMSRESCUE_UF2
names, or what `bmsrescue twin firmware` has downloaded.
"""

from __future__ import annotations

from typing import Any

from judged import judged
from pages import DOCS, as_markdown, asked_to_write, put_between
from rich.console import Console
from rich.table import Table

from bmsrescue.errors import HostError
from bmsrescue.twin.rig import default_card, scenario_named
from bmsrescue.twin.rp2040 import firmware
from bmsrescue.twin.scenarios.scenario import build_unit
from pico_scripts import found_on_board, rates_on_pico

FLASH_KIB_PER_S = 320  # 32 bytes in 100 us (reference: the chip's data sheet, x64 parallelism)
STLINK_KIB_PER_S = 47.6  # OpenOCD with ST-LINK V3 on an STM32H743, as published
CLOCKS_PER_WORD = 46
WORDS_PER_KIB = 256
CENSUS_BEGIN, CENSUS_END = "<!-- census: made by `make bench` -->", "<!-- end of the census -->"
BEGIN, END = "<!-- rates: made by `make bench` -->", "<!-- end of the rates -->"
LEAST_PROGRAM_KIB_PER_S, LEAST_BACKUP_KIB_PER_S = 256, 400


def main() -> None:
    console = Console(width=110)
    try:
        uf2 = firmware.find()
    except HostError as error:
        console.print(f"The emulated Pico's rates were not measured: {error.message}. {error.next_step}")
        return
    found = rates_on_pico(uf2).found
    rates, profile = rates_table(found), profile_table(found)
    console.print(rates)
    console.print(profile)
    census = census_table(found_on_board(uf2, "census.py", build_unit(scenario_named("healthy"), 0), default_card()))
    console.print(census)
    if asked_to_write():
        put_between(DOCS / "rp2040.md", BEGIN, END, f"{as_markdown(rates)}\n{as_markdown(profile)}")
        put_between(DOCS / "rp2040.md", CENSUS_BEGIN, CENSUS_END, as_markdown(census))


def census_table(found: dict[str, Any]) -> Table:
    """What holds the heap in a recovery that a host has started, and what is left before the unit is looked at."""
    table = Table(title="The heap of a host's recovery, bytes")
    for column in ("what", "bytes", "left"):
        table.add_column(column, justify="left" if column == "what" else "right")
    left = int(found["at_start"])
    table.add_row("the heap at the start", "", f"{left:,}")
    for what, size in found["kept"]:
        left -= size
        table.add_row(what, f"{size:,}", f"{left:,}")
    name, largest = max(found["steps"].items(), key=lambda step: int(step[1]))
    table.add_row(f"the largest step's own code, {name}", f"{largest:,}", f"{left - largest:,}")
    return table


def rates_table(found: dict[str, int]) -> Table:
    """The figures that have a target, with their peers."""
    table = Table(title="The emulated Pico, SWCLK at 12.5 MHz")
    for column in ("measure", "figure", "peer", "has to be"):
        table.add_column(column, justify="left" if column == "measure" else "right")
    program, backup = (1e6 / found[name] for name in ("program_us_per_kib", "backup_us_per_kib"))
    peer = f"flash alone {FLASH_KIB_PER_S}, OpenOCD with ST-LINK V3 {STLINK_KIB_PER_S}"
    table.add_row("card to flash, KiB/s", judged(program, program >= LEAST_PROGRAM_KIB_PER_S, 0), peer, "at least 256")
    table.add_row("flash to card, KiB/s", judged(backup, backup >= LEAST_BACKUP_KIB_PER_S, 0), "", "at least 400")
    share = found["sha256_us_per_kib"] / found["program_us_per_kib"]
    where = "on the way for the first and last sector"
    table.add_row("SHA-256 of that, of the way to flash", f"{share:.3f}", "", where)
    return table


def profile_table(found: dict[str, int]) -> Table:
    """Where a KiB's time goes: clocks on SWCLK, and what the interpreter and the pump take besides."""
    table = Table(title="Of each KiB, ms")
    for column in ("part", "ms", "of it SWCLK", "of it interpreter and pump"):
        table.add_column(column, justify="left" if column == "part" else "right")
    clocked_us = CLOCKS_PER_WORD * WORDS_PER_KIB * 1e6 / found["swclk_hz"]
    for part, name, has_wire in (
        ("card to flash, the whole way", "program_us_per_kib", False),
        ("- card, read (CMD18)", "program_card_us_per_kib", False),
        ("- wire, with the waits for a place in the ring", "program_put_us_per_kib", True),
        ("flash to card, the whole way", "backup_us_per_kib", False),
        ("- card, written", "card_write_us_per_kib", False),
        ("- wire, read", "wire_read_us_per_kib_12", True),
        ("wire alone, written", "wire_write_us_per_kib_12", True),
        ("SHA-256", "sha256_us_per_kib", False),
        ("CRC-32", "crc32_us_per_kib", False),
    ):
        rest = [f"{clocked_us / 1000:.2f}", f"{(found[name] - clocked_us) / 1000:.2f}"] if has_wire else ["", ""]
        table.add_row(part, f"{found[name] / 1000:.2f}", *rest)
    table.add_row(
        "a single read32, write32", f"{found['read32_us'] / 1000:.2f}, {found['write32_us'] / 1000:.2f}", "", ""
    )
    return table


if __name__ == "__main__":
    main()
