"""`make fuzz`: damaged firmware files, jobs and cards from seeds, and what became of them.

    python tests/fuzzing/run.py [--count 10000] [--first 0] [--write]

Prints a table, and every find with the seed that makes it again; --write puts the table into docs/files.md. Exit status
1 with a find. Two processes share the work.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS), str(TESTS / "support"), str(TESTS / "benchmarks")]

from pages import DOCS, put_between  # noqa: E402

from fuzzing.campaign import Row, Tally, run  # noqa: E402

BEGIN, END = "<!-- damaged files: made by `make fuzz` -->", "<!-- end of the damaged files -->"
_SHARE = 250


def main() -> int:
    """The command. Returns its exit status."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--count", type=int, default=10_000)
    asked.add_argument("--first", type=int, default=0)
    asked.add_argument("--write", action="store_true")
    given = asked.parse_args()
    start = time.monotonic()
    tally = Tally()
    shares = [
        (min(_SHARE, given.first + given.count - at), at)
        for at in range(given.first, given.first + given.count, _SHARE)
    ]
    with ProcessPoolExecutor(2) as pool:
        for number, part in enumerate(pool.map(run, *zip(*shares, strict=True)), 1):
            add(tally, part)
            print(f"\r{min(number * _SHARE, given.count)} of {given.count}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    lines = list(table(tally))
    print("\n".join(lines))
    finds = [*tally.crashes, *tally.wrong, *tally.lost]
    for seed, kind, what in finds:
        print(f"seed {seed}, {kind}: {what}")
    print(f"{len(tally.sentences)} kinds of sentence, {time.monotonic() - start:.0f} s")
    if given.write:
        last = given.first + given.count - 1
        put_between(DOCS / "files.md", BEGIN, END, "\n".join([*lines, "", f"Seeds {given.first} to {last}.", ""]))
    return 1 if finds else 0


def add(tally: Tally, part: Tally) -> None:
    """Counts the finds and rows of a part."""
    for kind, row in part.rows.items():
        whole = tally.rows.setdefault(kind, Row())
        whole.cases += row.cases
        whole.taken += row.taken
        whole.judged += row.judged
    tally.crashes += part.crashes
    tally.wrong += part.wrong
    tally.lost += part.lost
    tally.sentences |= part.sentences


def table(tally: Tally) -> Iterator[str]:
    """Lines of Markdown."""
    yield "| kind of file | cases | taken | as other readers have it | refused | crashes | wrong bytes | files lost |"
    yield "|---|---:|---:|---:|---:|---:|---:|---:|"
    for kind, row in sorted(tally.rows.items()):
        yield _line(kind, row, *(_of(kind, finds) for finds in (tally.crashes, tally.wrong, tally.lost)))
    whole = Row(*(sum(getattr(row, name) for row in tally.rows.values()) for name in ("cases", "taken", "judged")))
    yield _line("all", whole, len(tally.crashes), len(tally.wrong), len(tally.lost))


def _line(kind: str, row: Row, crashes: int, wrong: int, lost: int) -> str:
    cells = [row.cases, row.taken, row.judged, row.cases - row.taken, crashes, wrong, lost]
    return f"| {kind} | " + " | ".join(f"{cell:,}" for cell in cells) + " |"


def _of(kind: str, finds: list[tuple[int, str, str]]) -> int:
    return sum(1 for _seed, there, _what in finds if there == kind)


if __name__ == "__main__":
    sys.exit(main())
