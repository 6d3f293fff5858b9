"""`make fuzz-page`: what the runs in build/fuzz.jsonl add up to, written into docs/security.md between two marks."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "security.md"
LOG = ROOT / "build" / "fuzz.jsonl"
BEGIN, END = "<!-- fuzzers: made by `make fuzz-page` -->", "<!-- end of the fuzzers -->"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--log", type=Path, default=LOG)
    given = parser.parse_args()
    runs = [json.loads(line) for line in given.log.read_text(encoding="utf-8").splitlines()]
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    PAGE.write_text("\n".join([before + BEGIN, *table(runs), END + after]), encoding="utf-8")


def table(runs: Iterable[dict[str, Any]]) -> list[str]:
    """Of the runs that were guided by coverage."""
    guided = [run for run in runs if run["guided"]]
    lines = [
        "| fuzzer | minutes of processor time | inputs | places covered | inputs kept | finds |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for name in dict.fromkeys(run["target"] for run in guided):
        of = [run for run in guided if run["target"] == name]
        minutes, inputs = sum(run["processor_s"] for run in of) / 60, sum(run["inputs"] for run in of)
        covered, kept = max(run["covered"] for run in of), max(run["kept"] for run in of)
        lines.append(f"| {name} | {minutes:.0f} | {inputs:,} | {covered} | {kept} | {sum(run['find'] for run in of)} |")
    return lines


if __name__ == "__main__":
    main()
