"""`make fuzz-page`: adds the runs in build/fuzz.jsonl to what docs/security.md has between two marks.

A run is added once: its line goes to build/fuzz-added.jsonl. So hours of fuzzing add up over days and checkouts.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "security.md"
LOG = ROOT / "build" / "fuzz.jsonl"
BEGIN, END = "<!-- fuzzers: made by `make fuzz-page` -->", "<!-- end of the fuzzers -->"
_HEAD: Final = (
    "| fuzzer | minutes of processor time | inputs | places covered | inputs kept | finds |",
    "|---|---:|---:|---:|---:|---:|",
)

Row = tuple[int, int, int, int, int]
"""Minutes, inputs, places covered, inputs kept, finds."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--log", type=Path, default=LOG)
    parser.add_argument("--page", type=Path, default=PAGE)
    given = parser.parse_args()
    add(given.log, given.page)


def add(log: Path, page: Path) -> None:
    """The runs of `log` into the table on `page`, and out of `log`."""
    text = log.read_text(encoding="utf-8")
    before, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    so_far, _, after = rest.partition(END)
    runs = [json.loads(line) for line in text.splitlines()]
    page.write_text("\n".join([before + BEGIN, *table(rows_of(so_far), runs), END + after]), encoding="utf-8")
    with log.with_name("fuzz-added.jsonl").open("a", encoding="utf-8") as added:
        added.write(text)
    log.unlink()


def rows_of(text: str) -> dict[str, Row]:
    """The rows of a table that `table` has made, by fuzzer."""
    lines = [line.strip("|") for line in text.splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.split("|")] for line in lines[1:]]
    return {name: tuple(int(cell.replace(",", "")) for cell in figures) for name, *figures in cells}  # type: ignore[misc]


def table(rows: dict[str, Row], runs: Iterable[dict[str, Any]]) -> list[str]:
    """The lines of the table with `runs` added, those that were guided by coverage."""
    guided = [run for run in runs if run["guided"]]
    lines = list(_HEAD)
    for name in dict.fromkeys([*rows, *(run["target"] for run in guided)]):
        minutes, inputs, covered, kept, finds = rows.get(name, (0, 0, 0, 0, 0))
        of = [run for run in guided if run["target"] == name]
        minutes += round(sum(run["processor_s"] for run in of) / 60)
        inputs += sum(run["inputs"] for run in of)
        covered = max([covered, *(run["covered"] for run in of)])
        kept = max([kept, *(run["kept"] for run in of)])
        finds += sum(run["find"] for run in of)
        lines.append(f"| {name} | {minutes} | {inputs:,} | {covered} | {kept} | {finds} |")
    return lines


if __name__ == "__main__":
    main()
