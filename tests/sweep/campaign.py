"""`make campaign`: recoveries with faults drawn by seeds, how each ended, and docs/campaign.md of all in the log.

Of each four seeds two cut something at an access of the helper to its hardware, one ends the helper in another way, and
one has the target lie. Every seed is a recovery with its fault, and the presses after it.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import subprocess
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from io_cuts import CUTS, EXITS, NOT_JUDGED, WRONGS, drawn, run_fault
from lying_targets import run_lie
from repository import ROOT

PAGE = ROOT / "docs" / "campaign.md"
LOG = ROOT / "build" / "campaign.jsonl"
CUT, EXIT, LIE = "a cut", "an exit of the helper", "a target that lies"
_TURN = (CUT, EXIT, CUT, LIE)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1, help="recoveries side by side")
    parser.add_argument("--log", type=Path, default=LOG, help="a line for each; what is in it already counts as well")
    parser.add_argument("--write", type=Path, default=PAGE, help="the page of figures")
    parser.add_argument("--page-only", action="store_true", help="no recovery, only the page of what is in the log")
    arguments = parser.parse_args()
    arguments.log.parent.mkdir(parents=True, exist_ok=True)
    known = {entry["seed"] for entry in entries(arguments.log)}
    count = 0 if arguments.page_only else arguments.count
    seeds = [seed for seed in range(arguments.first, arguments.first + count) if seed not in known]
    wrong = 0
    with multiprocessing.Pool(arguments.jobs, maxtasksperchild=500) as pool:
        for entry in pool.imap_unordered(run, seeds):
            with arguments.log.open("a", encoding="utf-8") as file:
                file.write(json.dumps(entry) + "\n")
            wrong += bool(entry["wrong"])
            print(f"{entry['told']}: {' -> '.join(entry['history'])} {entry['wrong'] or ''}", flush=True)
    told = list(entries(arguments.log))
    arguments.write.write_text(page(told), encoding="utf-8")
    print(summary(told))
    return 1 if wrong else 0


def run(seed: int) -> dict[str, Any]:
    """The entry of one recovery; what fails in the twin or the judge is in it, and costs no other recovery."""
    began = time.monotonic()
    try:
        entry = _run(seed)
    except Exception:  # noqa: BLE001 - whatever it is, somebody has to look at it
        told = traceback.format_exc().splitlines()
        entry = {"sort": _TURN[seed % len(_TURN)], "what": "", "point": "", "told": told[-1], "history": []}
        entry["wrong"] = {NOT_JUDGED: " ".join(told[-5:])}
    return {"seed": seed, "commit": _commit(), **entry, "seconds": round(time.monotonic() - began, 1)}


def _run(seed: int) -> dict[str, Any]:
    sort = _TURN[seed % len(_TURN)]
    if sort == LIE:
        lie = run_lie(seed // len(_TURN))
        told, wrong, history, what = lie.told, lie.wrong, lie.history, lie.kind
        point = "wire"
    else:
        # Cures, sorts of access and the rest take their turn by the number within the sort.
        fault = drawn(seed // len(_TURN) * 2 + seed % len(_TURN) // 2, CUTS if sort == CUT else EXITS)
        ends = run_fault(fault)
        told, wrong, history, what, point = str(fault), ends.wrong, ends.history, fault.cut, fault.point
    return {"sort": sort, "what": what, "point": point, "told": told, "history": history, "wrong": wrong}


@cache
def _commit() -> str:
    git = ["git", "-C", str(ROOT), "describe", "--always", "--dirty"]
    return subprocess.run(git, capture_output=True, text=True, check=False).stdout.strip()


def entries(log: Path) -> Iterable[dict[str, Any]]:
    if log.exists():
        for line in log.read_text(encoding="utf-8").splitlines():
            yield json.loads(line)


def summary(told: list[dict[str, Any]]) -> str:
    """One sentence with every figure."""
    wrong = Counter(sort for entry in told for sort in entry["wrong"])
    return f"{len(told)} faulted recoveries: " + ", ".join(f"{wrong[sort]} {_WORDS[sort]}" for sort in WRONGS)


_WORDS = {
    "wrong bytes": "with wrong bytes called good",
    "records": "with records lost or broken",
    "unsafe": "that ended unsafe",
    "hang": "that hung",
    "not whole": "not whole after the presses that follow",
    "not judged": "that could not be judged",
}


_HEAD = """\
# Faulted recoveries

Written by `make campaign COUNT=N FIRST=N`: recoveries on the twin with one fault each, drawn by a seed, and
presses the button again until the unit is whole. A cut or an exit comes at an access of the helper to its hardware: any
block of the card (torn at any byte, and of up to eight blocks before it a drawn choice lost, so that later ones arrive
without earlier ones), any block or erase of the helper's own flash, any word written over SWD, any operation of the
unit's flash (at any moment of it), any call at all. A target that lies answers WAIT without end, FAULT, damaged or
contended bits, is another chip after a bad contact, or its memory changes. Judged are: the image word for word, option
bytes and what was to be kept; each record told of is on the card or in the helper; power off and every line let go;
power on only while the watchdog runs; an end in bounded time. What it has found is mended, and a test:
cuts in `tests/agent/test_twin_io_cuts.py`, damaged cards in `tests/agent/test_twin_lost_chains.py` and
`tests/fleet/test_card_import.py`."""

_TABLE = """\
| what happens | | where | recoveries | of them with something wrong |
|---|---|---|---:|---:|"""


def page(told: list[dict[str, Any]]) -> str:
    """docs/campaign.md."""
    rows = Counter((entry["sort"], entry["what"], entry["point"]) for entry in told)
    bad = Counter((entry["sort"], entry["what"], entry["point"]) for entry in told if entry["wrong"])
    lines = [*_HEAD.splitlines(), "", f"**{summary(told)}.**", "", *_TABLE.splitlines()]
    lines += [
        f"| {sort} | {what} | {point} | {rows[key]} | {bad[key]} |"
        for key in sorted(rows)
        for sort, what, point in [key]
    ]
    wrong = [entry for entry in told if entry["wrong"]]
    if wrong:
        lines += ["", "## What was wrong", ""]
        lines += [f"- `{entry['seed']}` {entry['told']}: {_plain(entry)}" for entry in wrong[:40]]
    seeds = sorted(entry["seed"] for entry in told)
    revisions = Counter(entry["commit"] for entry in told)
    lines += [
        "",
        f"Seeds {_ranges(seeds)}; {sum(entry['seconds'] for entry in told) / 3600:.1f} hours on a shared machine.",
        "A seed draws the same fault as long as the agent makes the same accesses. Run on these revisions:",
        ", ".join(f"{commit} ({count:,})" for commit, count in revisions.items()) + ".",
    ]
    return "\n".join(lines) + "\n"


def _plain(entry: dict[str, Any]) -> str:
    return "; ".join(f"{sort}: {' '.join(what.split())[:160]}" for sort, what in entry["wrong"].items())


def _ranges(seeds: list[int]) -> str:
    found: list[list[int]] = []
    for seed in seeds:
        if found and seed == found[-1][1] + 1:
            found[-1][1] = seed
        else:
            found.append([seed, seed])
    return ", ".join(f"{first} to {last}" if first != last else str(first) for first, last in found)


if __name__ == "__main__":
    sys.exit(main())
