"""`make parts`: any wiring on any broken unit (tests/support/any_parts.py), as much of the whole as is asked for, and
how much of it was right in docs/parts.md. With --bare the page's table: what a bare probe finds of the catalogue.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from any_parts import Case, bare, every_case, has_found, in_rounds, judge, run
from bmsrescue.twin.helper.helper import TIME_EXPIRED
from bmsrescue.twin.scenarios import all_scenarios, find
from repository import ROOT

PAGE = ROOT / "docs" / "parts.md"
LOG = ROOT / "build" / "parts.jsonl"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=500, help="so many of the seeded order; 0: all of them")
    parser.add_argument("--first", type=int, default=0, help="begin with this one of the order")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", metavar="WORDS", default="", help="only cases with these words in their name")
    parser.add_argument("--log", type=Path, default=LOG, help="a line for each; what is in it is not run again")
    parser.add_argument("--bare", action="store_true", help="a bare probe on each unit, and the table of docs/parts.md")
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    with ProcessPoolExecutor(arguments.workers) as pool:
        if arguments.bare:
            return _measure(pool)
        cases = [case for case in in_rounds(arguments.seed) if arguments.only in str(case)][arguments.first :]
        return _campaign(pool, cases[: arguments.cases or None], arguments.log)


def _campaign(pool: ProcessPoolExecutor, cases: list[Case], log: Path) -> int:
    began = time.monotonic()
    log.parent.mkdir(parents=True, exist_ok=True)
    known = {entry["case"] for entry in _entries(log)}
    new = [case for case in cases if str(case) not in known]
    with log.open("a", encoding="utf-8") as file:
        for count, (case, lines) in enumerate(zip(new, pool.map(judged, new), strict=True), 1):
            file.write(json.dumps({"case": str(case), "wrong": lines}) + "\n")
            file.flush()
            for line in lines:
                print(f"{case}: {line}", flush=True)
            if count % 50 == 0:
                print(f"... {count} of {len(new)}, {time.monotonic() - began:.0f} s", flush=True)
    told = list(_entries(log))
    wrong = sum(bool(entry["wrong"]) for entry in told)
    whole = list(every_case())
    met = len({entry["case"].split("; ")[0] for entry in told})
    pairs = len({(case.name, case.rails) for case in whole})
    summary = (
        f"{len(told):,} of the {len(whole):,} cases, among them {met:,} of the {pairs:,} pairs of a unit and a subset "
        f"of rails: {wrong} wrong."
    )
    _put("any wiring", f"**{summary}**")
    print(summary)
    return 1 if wrong else 0


def _entries(log: Path) -> Iterable[dict[str, Any]]:
    if log.exists():
        for line in log.read_text(encoding="utf-8").splitlines():
            yield json.loads(line)


def _put(name: str, *paragraphs: str) -> None:
    """What stands between the marks of that name in docs/parts.md."""
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    text = PAGE.read_text(encoding="utf-8")
    before, after = text.partition(begin)[0], text.partition(end)[2]
    PAGE.write_text(before + "\n\n".join([begin, *paragraphs, end]) + after, encoding="utf-8")


def judged(case: Case) -> list[str]:
    """What is wrong with it; an exception of ours counts."""
    try:
        done = run(case)
        if done.result.how == TIME_EXPIRED:  # of the wall, on a machine that does other things as well
            done = run(case)
        return judge(case, done)
    except Exception as error:  # noqa: BLE001 - of a campaign, which goes on
        return [f"{type(error).__name__}: {error}"]


def measured(name: str) -> tuple[str, str, str, str, list[str]]:
    """(found, cause, confidence, outcome, what is wrong) of a bare probe on that unit."""
    case = bare(name)
    done = run(case)
    diagnosis = done.record["diagnosis"]
    found = has_found(case, done)
    return found, diagnosis["cause"], diagnosis["confidence"], done.record["outcome"], judge(case, done)


def _measure(pool: ProcessPoolExecutor) -> int:
    names = [scenario.name for scenario in all_scenarios()]
    rows, counts, wrong = [], Counter[str](), 0
    for name, (found, cause, confidence, outcome, lines) in zip(names, pool.map(measured, names), strict=True):
        counts[found] += 1
        wrong += bool(lines)
        for line in lines:
            print(f"{name}: {line}", flush=True)
        rows.append(f"| `{name}` | `{find(name).expected_diagnosis}` | `{cause}`, {confidence} | {found} | {outcome} |")
    head = (
        f"Of {len(names)} units a bare probe finds the cause of {counts['found']}, and names it among what it could be "
        f"of {counts['narrowed']} more; {counts['not seen']} are well as far as seen, with what was not seen named; "
        f"{counts['missed']} are missed."
    )
    table = ["| unit | what it is | what is said | | ends as |", "|---|---|---|---|---|", *rows]
    _put("what a bare probe finds", head, "\n".join(table))
    print(head)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
