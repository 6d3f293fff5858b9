"""`make parts`: any wiring on any broken unit (tests/support/any_parts.py), as much of the whole as is asked for, and
how much of it was right in docs/parts.md. With --bare the page's table: what a bare probe finds of the catalogue.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace

from any_parts import Case, bare, has_found, in_rounds, judge, run
from bmsrescue.twin.field.campaign import commit_now
from bmsrescue.twin.helper.helper import TIME_EXPIRED
from bmsrescue.twin.scenarios import all_scenarios, find
from repository import ROOT

PAGE = ROOT / "docs" / "parts.md"
_SEED = 0  # of the order


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=500, help="so many of the seeded order")
    parser.add_argument("--first", type=int, help="begin with this one of the order; else where the page's runs end")
    parser.add_argument("--only", metavar="WORDS", default="", help="only cases with these words, and nothing kept")
    parser.add_argument("--bare", action="store_true", help="a bare probe on each unit, and the table of docs/parts.md")
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    with ProcessPoolExecutor(arguments.workers) as pool:
        if arguments.bare:
            return _measure(pool)
        order = in_rounds(_SEED)
        if arguments.only:
            return _run(pool, [case for case in order if arguments.only in str(case)][: arguments.cases], None)
        runs = runs_of(PAGE.read_text(encoding="utf-8"))
        first = arguments.first if arguments.first is not None else max((run.end for run in runs), default=0)
        return _run(pool, order[first : first + arguments.cases], Run(commit_now(), first, 0, 0))


@dataclass(frozen=True)
class Run:
    """A row of the page: `cases` of the order from `first` on, of which `wrong` were wrong."""

    commit: str
    first: int
    cases: int
    wrong: int

    @property
    def end(self) -> int:
        return self.first + self.cases


def runs_of(page: str) -> list[Run]:
    """The rows that stand on the page."""
    found = re.findall(r"^\| `(\S+)` \| (\d+) \| (\d+) \| (\d+) \|$", page, re.MULTILINE)
    return [Run(commit, int(first), int(cases), int(wrong)) for commit, first, cases, wrong in found]


def _run(pool: ProcessPoolExecutor, cases: list[Case], row: Run | None) -> int:
    began, wrong = time.monotonic(), 0
    before = runs_of(PAGE.read_text(encoding="utf-8"))
    for count, (case, lines) in enumerate(zip(cases, pool.map(judged, cases), strict=True), 1):
        wrong += bool(lines)
        for line in lines:
            print(f"{case}: {line}", flush=True)
        if count % 50 == 0 or count == len(cases):
            print(f"... {count} of {len(cases)}, {wrong} wrong, {time.monotonic() - began:.0f} s", flush=True)
            if row is not None:  # what was run is kept when this one is ended
                _put("any wiring", *told([*before, replace(row, cases=count, wrong=wrong)]))
    return 1 if wrong else 0


def told(runs: list[Run]) -> tuple[str, str]:
    """The sum of the runs, and their table."""
    order = in_rounds(_SEED)
    met = {number for run in runs for number in range(run.first, min(run.end, len(order)))}
    pairs = {(order[number].name, order[number].rails) for number in met}
    whole = {(case.name, case.rails) for case in order}
    wrong = sum(run.wrong for run in runs)
    summary = (
        f"**{len(met):,} of the {len(order):,} cases, among them {len(pairs):,} of the {len(whole):,} pairs of a unit "
        f"and a subset of rails: {wrong} wrong.**"
    )
    rows = [f"| `{run.commit}` | {run.first} | {run.cases} | {run.wrong} |" for run in runs]
    return summary, "\n".join(["| commit | first | cases | wrong |", "|---|---:|---:|---:|", *rows])


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
